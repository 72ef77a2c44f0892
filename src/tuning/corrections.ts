import type { Fitted, MemorySettings } from '../postgres/tuning/memory-fit.ts';
import { walBuffersFor } from '../postgres/tuning/pgtune.ts';
import type { TuningFacts } from '../postgres/tuning/recommend.ts';
import { type Advice, amountOf, formatValue, number, type Rule, type SettingValue, size, word } from './settings.ts';
import { floorTo, MiB, readableSize } from '../postgres/sizes.ts';

/** Where PGTune must be corrected in containers: PGOPS §6.2. */

type AdviceList = readonly Advice[];

/** The settings that were made to fit, in place of PGTune's. */
export function correctMemory(
  advice: AdviceList,
  before: MemorySettings,
  { settings: now }: Fitted,
  { asked, memory }: { readonly asked: boolean; readonly memory: number },
): AdviceList {
  const room = `80 % of ${readableSize(memory)}`;
  const changes: readonly (Change & { readonly changed: boolean })[] = [
    {
      name: 'max_connections',
      changed: now.connections !== before.connections,
      value: number(now.connections),
      rule: 'connections',
      reason: asked
        ? `${before.connections} would not fit into ${room}: more clients than this need a pooler in front`
        : `${before.connections} would not fit into ${room}, with the private memory of each backend`,
    },
    {
      name: 'shared_buffers',
      changed: now.sharedBuffers !== before.sharedBuffers,
      value: size(now.sharedBuffers),
      rule: 'memory',
      reason: `the backends of ${now.connections} connections need the room within ${room}`,
    },
    {
      name: 'maintenance_work_mem',
      changed: now.maintenanceWorkMem !== before.maintenanceWorkMem,
      value: size(now.maintenanceWorkMem),
      rule: 'memory',
      reason: `what the connections leave of ${room}`,
    },
    {
      name: 'autovacuum_work_mem',
      changed: now.autovacuumWorkMem !== before.autovacuumWorkMem,
      value: size(now.autovacuumWorkMem),
      rule: 'memory',
      reason: `each worker would have ${readableSize(before.autovacuumWorkMem)} beside everything else, more than ${room} leave`,
    },
    {
      name: 'work_mem',
      changed: now.workMem !== before.workMem,
      value: size(now.workMem),
      rule: 'memory',
      reason: `${room} leave no more for each sort and hash of those who work at once`,
    },
    {
      name: 'wal_buffers',
      changed: now.sharedBuffers !== before.sharedBuffers,
      value: size(walBuffersFor(now.sharedBuffers)),
      rule: 'memory',
      reason: '3 % of the smaller shared_buffers',
    },
  ];
  return changes.filter(({ changed }) => changed).reduce<AdviceList>(replace, advice);
}

/** wal_level stays where a backup, a standby or archiving needs it, and where nobody knows whether one does. */
export function correctWal(advice: AdviceList, { walNeededBy }: TuningFacts): AdviceList {
  if (!advice.some(({ name }) => name === 'wal_level') || walNeededBy?.length === 0) return advice;
  const why = walNeededBy === undefined ? 'backups or standbys may depend on it' : walNeededBy.join('; ');
  const kept = replace(advice, {
    name: 'wal_level',
    value: word('replica'),
    rule: 'backups',
    reason: `minimal would end base backups and archiving: ${why}`,
  });
  return replace(kept, {
    name: 'max_wal_senders',
    value: number(10),
    rule: 'backups',
    reason: `base backups and standbys each take one: ${why}`,
  });
}

/** WAL takes no more than a tenth of the disk. */
export function correctDisk(advice: AdviceList, { diskSize }: TuningFacts): AdviceList {
  if (diskSize === undefined) return advice;
  const most = Math.max(64 * MiB, floorTo(diskSize / 10, MiB));
  const maxWal = amountOf(advice, 'max_wal_size');
  if (maxWal === undefined || maxWal <= most) return advice;
  const disk = readableSize(diskSize);
  const lowered = replace(advice, {
    name: 'max_wal_size',
    value: size(most),
    rule: 'disk',
    reason: `a tenth of the disk of ${disk}: one that is full stops the server`,
  });
  const least = Math.max(32 * MiB, floorTo(most / 4, MiB));
  if ((amountOf(advice, 'min_wal_size') ?? 0) <= least) return lowered;
  return replace(lowered, {
    name: 'min_wal_size',
    value: size(least),
    rule: 'disk',
    reason: 'a quarter of the smaller max_wal_size',
  });
}

/** A compression that the server was built without makes it refuse to start. */
export function correctBuild(advice: AdviceList, { walCompressions }: TuningFacts): AdviceList {
  const stated = advice.find(({ name }) => name === 'wal_compression');
  if (stated === undefined || walCompressions?.includes(formatValue(stated.value)) !== false) return advice;
  return replace(advice, {
    name: 'wal_compression',
    value: word('pglz'),
    rule: 'build',
    reason: `this server was built without ${formatValue(stated.value)}`,
  });
}

/** Docker's own seccomp profile has forbidden io_uring since November 2023. */
export function correctIo(advice: AdviceList, { ioUringAllowed }: TuningFacts): AdviceList {
  if (ioUringAllowed === true || !advice.some(({ name }) => name === 'io_method')) return advice;
  return replace(advice, {
    name: 'io_method',
    value: word('worker'),
    rule: 'seccomp',
    reason: 'Docker’s seccomp profile forbids io_uring',
  });
}

interface Change {
  readonly name: string;
  readonly value: SettingValue;
  readonly rule: Rule;
  readonly reason: string;
}

/** In the place of PGTune's value, which is kept beside it; at the end where PGTune names none. */
function replace(advice: AdviceList, change: Change): AdviceList {
  const { name, value, rule, reason } = change;
  const corrected = { name, value, rule, reason };
  if (!advice.some((one) => one.name === name)) return [...advice, corrected];
  return advice.map((one) => (one.name === name ? { ...corrected, pgtune: one.pgtune ?? one.value } : one));
}
