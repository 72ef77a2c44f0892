import { readableSize } from '../../../postgres/tuning/index.ts';
import { type Detection, type Evidence, type Finding, findingId, type ReadonlyHost } from '../../contract.ts';
import { isRunning } from '../../shared/availability.ts';
import { forEachInstance } from '../../shared/for-each-instance.ts';
import { observe } from './observe.ts';
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
    if (state !== undefined) noting.found(...findingsIn(instance.name, state, limits));
  });
}

/** Pure. */
export function findingsIn(
  instance: string,
  state: ServerState,
  { transactionAge, slotMiB }: LimitSettings,
): readonly Finding<LimitDetails>[] {
  return [...outOfIds(instance, state, transactionAge), ...slotsThatKeep(instance, state, slotMiB)];
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
      summary: `${oldest.name} of ${instance} has used ${percent} % of its ${ids}${holder === null ? '' : `, and ${wordsOf(holder)} keeps VACUUM from freeing them`}. At 100 % it refuses every write.`,
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

function slotsThatKeep(instance: string, { slots }: ServerState, limitMiB: number): readonly Finding<LimitDetails>[] {
  const idle = slots.filter(({ active, kept }) => !active && (kept ?? 0) >= limitMiB * 2 ** 20);
  if (idle.length === 0) return [];
  const list = idle.map((slot) => `${slot.name} (${readableSize(slot.kept ?? 0)})`).join(', ');
  return [
    {
      ...common(instance, 'slot-keeps-wal'),
      summary: `${instance} keeps WAL for ${idle.length === 1 ? 'a replication slot that nothing reads' : 'replication slots that nothing reads'}: ${list}. It grows until the disk is full.`,
      evidence: slots.map(({ name: slot, active, kept, status }): Evidence => ({
        type: 'query',
        sql: `pg_replication_slots ${slot}`,
        result: `${active ? 'active' : 'not active'}, keeps ${readableSize(kept ?? 0)}, ${status ?? 'no status'}`,
      })),
      details: { kind: 'slot-keeps-wal', slots: idle.map((slot) => slot.name) },
    },
  ];
}

function common(
  instance: string,
  kind: LimitDetails['kind'],
): Pick<Finding, 'id' | 'remediator' | 'instance' | 'kind' | 'risk' | 'problem'> {
  return { id: findingId(name, instance, kind), remediator: name, instance, kind, risk: 'data', problem: null };
}
