import { readableSize } from '../../../postgres/tuning/index.ts';
import { type Detection, type Evidence, type Finding, findingId, type ReadonlyHost } from '../../contract.ts';
import { isRunning } from '../../shared/availability.ts';
import { forEachInstance } from '../../shared/for-each-instance.ts';
import { observe, usesOf } from './observe.ts';
import { type Holder, type LimitDetails, type LimitSettings, limitSettings, type ServerState } from './types.ts';

export const name = 'server-limits';

const together = 4;

/** Transaction ids that a server can use before it refuses writes: three million before they are used up. */
const usable = 2 ** 31 - 3_000_000;

/** Running servers that will stop accepting writes, or fill their disk, unless someone acts. */
export async function detect(host: ReadonlyHost): Promise<Detection<LimitDetails>> {
  const limits = limitSettings(host);
  const each = { remediator: name, together, only: isRunning };
  return forEachInstance<LimitDetails>(await host.instances(), host, each, async (instance, noting) => {
    const state = await observe(instance, host);
    if (state === undefined) return;
    const space = await host.probes.dataSpace(instance).catch(() => undefined);
    noting.found(...findingsIn(instance.name, state, limits, space));
    if (space === undefined)
      noting.notLookedAt(`How much of the disk of ${instance.container.name} is free is not known: df did not tell.`);
    else if (isLow(space, limits.freePercent))
      noting.found(diskFills(instance.name, state, space, await usesOf(instance, host)));
  });
}

/** Pure. */
export function findingsIn(
  instance: string,
  state: ServerState,
  { transactionAge, slotMiB }: LimitSettings,
  space?: Space,
): readonly Finding<LimitDetails>[] {
  return [...outOfIds(instance, state, transactionAge), ...slotsThatKeep(instance, state, slotMiB, space)];
}

function outOfIds(
  instance: string,
  { databases, holders }: ServerState,
  limit: number,
): readonly Finding<LimitDetails>[] {
  const [oldest] = databases.toSorted((a, b) => ageOf(b) - ageOf(a));
  if (oldest === undefined || ageOf(oldest) < limit) return [];
  const age = ageOf(oldest);
  // What is much younger than the database does not hold it back.
  const holder = holders.find((one) => one.age >= 0.9 * age) ?? null;
  const percent = Math.min(100, Math.floor((100 * age) / usable));
  const ids = oldest.members > oldest.age ? 'multixact ids' : 'transaction ids';
  return [
    {
      ...common(instance, 'transaction-ids'),
      summary: `${oldest.name} of ${instance} has used ${percent}% of its ${ids}${holder === null ? '' : `, and ${wordsOf(holder)} keeps VACUUM from freeing them`}. At 100% it refuses every write.`,
      evidence: [
        {
          type: 'query',
          sql: 'age(datfrozenxid), mxid_age(datminmxid)',
          result: databases.slice(0, 5).map(lineOf).join('; '),
        },
        ...holders.map((one): Evidence => ({
          type: 'query',
          sql: 'oldest horizons',
          result: `${wordsOf(one)}: ${one.age}`,
        })),
      ],
      details: { kind: 'transaction-ids', database: oldest.name, holder },
    },
  ];
}

type Ages = ServerState['databases'][number];

function ageOf({ age, members }: Ages): number {
  return Math.max(age, members);
}

function lineOf({ name: database, age, members }: Ages): string {
  return `${database}: ${age}, ${members}`;
}

export function wordsOf({ kind, name: holder }: Holder): string {
  switch (kind) {
    case 'session':
      return `the session with process ${holder}`;
    case 'prepared':
      return `the prepared transaction ${holder}`;
    case 'slot':
      return `the replication slot ${holder}`;
  }
}

function slotsThatKeep(
  instance: string,
  { slots, keepLimit, wal }: ServerState,
  limitMiB: number,
  space: Space | undefined,
): readonly Finding<LimitDetails>[] {
  const idle = slots.filter(({ active, kept }) => !active && (kept ?? 0) >= limitMiB * 2 ** 20);
  if (idle.length === 0) return [];
  const most = Math.max(...idle.map((slot) => slot.kept ?? 0));
  // Bounded, and the disk has room for what is within the bound.
  if (keepLimit !== null && space !== undefined && keepLimit - most < space.free) return [];
  const list = idle.map((slot) => `${slot.name} (${readableSize(slot.kept ?? 0)})`).join(', ');
  return [
    {
      ...common(instance, 'slot-keeps-wal'),
      summary: `${instance} keeps WAL for ${idle.length === 1 ? 'a replication slot that nothing reads' : 'replication slots that nothing reads'}: ${list}. It grows until the disk is full${space === undefined ? '' : `: ${lastsFor(wal, space)}`}.`,
      evidence: slots.map(({ name: slot, active, kept, status }): Evidence => ({
        type: 'query',
        sql: `pg_replication_slots ${slot}`,
        result: `${active ? 'active' : 'not active'}, keeps ${readableSize(kept ?? 0)}, ${status ?? 'no status'}`,
      })),
      details: { kind: 'slot-keeps-wal', slots: idle.map((slot) => slot.name), kept: most },
    },
  ];
}

/** Bytes of the disk with the data. */
interface Space {
  readonly size: number;
  readonly free: number;
}

/** A large disk has room left at a small percentage. */
const plenty = 20 * 2 ** 30;

function isLow({ size, free }: Space, freePercent: number): boolean {
  return free < plenty && free * 100 < size * freePercent;
}

const day = 86_400;

/** How long the disk lasts if all WAL is kept, at the mean rate since the server's counters began. */
function lastsFor({ bytes, seconds }: ServerState['wal'], { free }: Space): string {
  const left = `${readableSize(free)} are free`;
  // A young counter says nothing about a day.
  if (seconds < 600 || bytes <= 0) return `${left}; how fast WAL grows is not known yet, so check again later`;
  const lasts = (free * seconds) / bytes;
  const words =
    lasts < 2 * 3_600
      ? `${Math.floor(lasts / 60)} minutes`
      : lasts < 2 * day
        ? `${Math.floor(lasts / 3_600)} hours`
        : `${Math.floor(lasts / day)} days`;
  return `${left}, for about ${words} of WAL at the mean rate of this server`;
}

function diskFills(
  instance: string,
  { wal }: ServerState,
  space: Space,
  uses: Readonly<Record<string, number>>,
): Finding<LimitDetails> {
  const largest = Object.entries(uses)
    .filter(([, bytes]) => bytes > 0)
    .toSorted(([, a], [, b]) => b - a)
    .map(([what, bytes]) => `${what}: ${readableSize(bytes)}`);
  const others = space.size - space.free - (uses['databases'] ?? 0) - (uses['WAL'] ?? 0) - (uses['logs'] ?? 0);
  const all =
    largest.length === 0 ? [] : [...largest, `everything else on the disk: ${readableSize(Math.max(0, others))}`];
  return {
    ...common(instance, 'disk-fills'),
    summary: `The disk with the data of ${instance} is nearly full: ${lastsFor(wal, space)}, of ${readableSize(space.size)}.`,
    evidence: [
      { type: 'probe', name: 'df', result: `${readableSize(space.free)} of ${readableSize(space.size)} free` },
      ...all.map((result): Evidence => ({ type: 'query', sql: 'sizes on the server', result })),
    ],
    details: { kind: 'disk-fills', uses: all },
  };
}

function common(
  instance: string,
  kind: LimitDetails['kind'],
): Pick<Finding, 'id' | 'remediator' | 'instance' | 'kind' | 'risk' | 'problem'> {
  return { id: findingId(name, instance, kind), remediator: name, instance, kind, risk: 'data', problem: null };
}
