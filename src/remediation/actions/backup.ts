import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { type Backup, type BackupCheck, backupLevels } from '../../backups/types.ts';
import { ProblemsError } from '../../errors.ts';
import type { Instance } from '../../host/instance.ts';
import type { Action, ReadonlyHost } from '../contract.ts';
import { operations } from '../operations.ts';
import { waitUntilReady } from '../shared/availability.ts';

const archiveSwitchParams = z.strictObject({ instance: z.string() });

const patienceMs = 60_000;

/** Proves that archiving works: waits until a WAL file is archived. A drill recovers to the marker in it. */
export const archiveSwitch: Action<z.output<typeof archiveSwitchParams>, null> = {
  name: 'archive.switch',
  description: 'Writes a restore point, switches the WAL file, and waits until it is archived.',
  params: archiveSwitchParams,
  undoState: z.null(),
  operation: operations['new-backup'],
  deadlineMs: 180_000,
  describe: ({ instance }) => `switch the WAL file of ${instance} and wait until it is archived`,
  effect: async ({ instance }) => [{ object: `archive of ${instance}`, before: 'not proven', after: 'has a WAL file' }],
  prepare: async () => null,
  async isDone({ instance }, host) {
    return archived(await requireArchiving(instance, host), host);
  },
  async apply({ instance }, host) {
    // The step before has started the server, which may still be replaying its WAL.
    const { instance: found = await requireArchiving(instance, host), answer } = await waitUntilReady(instance, host);
    if (answer?.ok === false) throw new Error(`${instance}: ${answer.message}`);
    if (await archived(found, host)) return;
    for (const sql of [
      // A run id consists of letters and digits.
      `SELECT pg_catalog.pg_create_restore_point('problems ${host.run.id}')`,
      'SELECT pg_catalog.pg_switch_wal()',
    ]) {
      const done = await host.change.sql.execute(found, sql);
      if (!done.ok) throw new Error(`${instance}: ${done.message}`);
    }
    const until = performance.now() + patienceMs;
    while (!(await archived(found, host)) && performance.now() < until)
      await sleep(250, undefined, { signal: host.signal });
  },
  /** The archived file is kept. */
  undo: () => Promise.resolve(),
  isUndone: () => Promise.resolve(true),
};

async function requireArchiving(name: string, host: ReadonlyHost): Promise<Instance> {
  const found = await host.instance(name);
  if (found === undefined) throw new ProblemsError('step-refused', `There is no instance ${name}.`);
  return found;
}

/** Archived since the server's start, with no failure after it. */
async function archived(instance: Instance, host: ReadonlyHost): Promise<boolean> {
  const answer = await host.sql.query(
    instance,
    `SELECT (last_archived_time > pg_catalog.pg_postmaster_start_time()
       AND coalesce(last_failed_time, '-infinity') < last_archived_time)::text AS archived
     FROM pg_catalog.pg_stat_archiver`,
  );
  return answer.ok && answer.rows[0]?.['archived'] === 'true';
}

const backupProveParams = z.strictObject({
  /** `<instance>/<name>`. */
  ref: z.string().regex(/^[^/\0]+\/[^/\0]+$/),
  /** The level that it must reach: docs/backups.md. */
  level: z.enum(backupLevels).default('L4'),
  /** The highest level to check. Above `level`, a check that cannot run is not a failure; damage is. */
  upTo: z.enum(backupLevels).default('L5'),
});

type BackupProveWanted = z.output<typeof backupProveParams>;

/**
 * A drill: only a test restore proves a backup (docs/engineering/backups.md#verification-ladder).
 */
export const backupProve: Action<BackupProveWanted, null> = {
  name: 'backup.prove',
  description:
    'Restores a copy of a backup in an isolated temporary container, compares it with the fingerprints from when it was taken, and writes the result into the sidecar file.',
  params: backupProveParams,
  undoState: z.null(),
  operation: operations['new-backup'],
  deadlineMs: 24 * 3_600_000,
  describe: ({ ref, level }) => `restore a copy of the backup ${ref} to prove it at ${level}`,
  effect: async ({ ref, level }) => [{ object: `backup ${ref}`, before: 'not proven', after: `proven at ${level}` }],
  prepare: async () => null,
  async isDone({ ref, level }, host) {
    return reached(checksOf(await host.backups.read(ref)), level);
  },
  async apply({ ref, level, upTo }, host) {
    const backup = await requireBackup(ref, host);
    const instance = await host.instance(backup.instance);
    if (instance === undefined)
      throw new ProblemsError(
        'step-refused',
        `There is no instance ${backup.instance}, whose image is needed to restore a copy.`,
      );
    const answer = await host.backups.check(backup, { upTo, instance });
    await host.change.backups.record(backup, answer);
    if (reached(answer.checks, level)) return;
    const seen = answer.checks.filter(({ result }) => result !== 'passed');
    throw new Error(
      `The backup ${ref} was not proven at ${level}: ${seen.map((one) => `${one.level} ${one.result}, ${one.says.join(' ')}`).join('; ')}`,
    );
  },
  /** The result stays true, so there is nothing to undo. */
  undo: () => Promise.resolve(),
  isUndone: () => Promise.resolve(true),
};

function checksOf(backup: Backup | undefined): readonly BackupCheck[] {
  return backup?.verification?.checks ?? [];
}

/** Whether nothing failed, and this level or a higher one passed. */
function reached(checks: readonly BackupCheck[], wanted: BackupProveWanted['level']): boolean {
  return (
    checks.every(({ result }) => result !== 'failed') &&
    checks.some(({ level, result }) => result === 'passed' && level >= wanted)
  );
}

const backupQuarantineParams = z.strictObject({
  /** `<instance>/<name>`. */
  ref: z.string().regex(/^[^/\0]+\/[^/\0]+$/),
  /** Why, for people who find it there. */
  reason: z.string().min(1),
});

const backupQuarantineBefore = z.strictObject({ state: z.string() });

/** First part of a backup repair: the bad backup no longer counts, and nothing of it is lost. */
export const backupQuarantine: Action<
  z.output<typeof backupQuarantineParams>,
  z.output<typeof backupQuarantineBefore>
> = {
  name: 'backup.quarantine',
  description:
    'Moves a bad backup to quarantine, read-only, with the reason next to it. Nothing in it is changed or removed.',
  params: backupQuarantineParams,
  undoState: backupQuarantineBefore,
  operation: operations['quarantine-backup'],
  deadlineMs: 600_000,
  describe: ({ ref, reason }) => `quarantine the backup ${ref}: ${reason}`,
  async effect({ ref }, host) {
    return [{ object: `backup ${ref}`, before: (await requireBackup(ref, host)).state, after: 'quarantined' }];
  },
  async prepare({ ref }, host) {
    const { state } = await requireBackup(ref, host);
    if (state === 'running') throw new ProblemsError('step-refused', `Backup ${ref} is still being taken.`);
    return { state };
  },
  async isDone({ ref }, host) {
    return (await host.backups.read(ref))?.state === 'quarantined';
  },
  async apply({ ref, reason }, host) {
    const backup = await requireBackup(ref, host);
    if (backup.state !== 'quarantined') await host.change.backups.quarantine(backup, reason);
  },
  async undo({ ref }, { state }, host) {
    const backup = await requireBackup(ref, host);
    if (state !== 'quarantined' && backup.state === 'quarantined') await host.change.backups.release(backup);
  },
  async isUndone({ ref }, { state }, host) {
    const backup = await host.backups.read(ref);
    return (backup?.state === 'quarantined') === (state === 'quarantined');
  },
};

/** @throws ProblemsError `step-refused`: it does not exist. */
export async function requireBackup(ref: string, host: ReadonlyHost): Promise<Backup> {
  const backup = await host.backups.read(ref);
  if (backup === undefined) throw new ProblemsError('step-refused', `Backup ${ref} does not exist.`);
  return backup;
}

const backupRemoveParams = z.strictObject({
  /** `<instance>/<name>` of an expired backup. */
  ref: z.string().regex(/^[^/\0]+\/[^/\0]+$/),
});

/** Has no undo, so it is only allowed in a cleanup. */
export const backupRemove: Action<z.output<typeof backupRemoveParams>, null> = {
  name: 'backup.remove',
  description: 'Deletes an expired backup. No other action deletes anything. The last two good backups never expire.',
  params: backupRemoveParams,
  undoState: z.null(),
  operation: operations['expire-backup'],
  deadlineMs: 600_000,
  describe: ({ ref }) => `delete the expired backup ${ref}`,
  effect: async ({ ref }) => [{ object: `backup ${ref}`, before: 'expired', after: 'deleted' }],
  prepare: async () => null,
  async isDone({ ref }, host) {
    const [instance = '', name = ''] = ref.split('/');
    return !(await host.backups.expired(instance)).includes(name);
  },
  async apply({ ref }, host) {
    const [instance = '', name = ''] = ref.split('/');
    await host.change.backups.removeExpired(instance, name);
  },
};

const backupTakeParams = z.strictObject({
  instance: z.string(),
  /** Name of the new backup: one path segment. */
  name: z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.:+-]{0,99}$/),
});

type BackupTakeWanted = z.output<typeof backupTakeParams>;

/**
 * See docs/engineering/backups.md#taking. Only reads from the server, and changes no existing file.
 */
export const backupTake: Action<BackupTakeWanted, null> = {
  name: 'backup.take',
  description:
    'Takes a base backup with a manifest, and a dump of each database and the roles, from the running server, with fingerprints of the dumped rows. Uses a temporary name until the backup is durable and matches its manifest.',
  params: backupTakeParams,
  undoState: z.null(),
  operation: operations['new-backup'],
  deadlineMs: 24 * 3_600_000,
  describe: ({ instance, name }) => `take the backup ${name} of ${instance}`,
  effect: async (wanted) => [{ object: `backup ${refOf(wanted)}`, before: 'none', after: 'complete, at L3' }],
  async prepare(wanted, host) {
    const there = await host.backups.read(refOf(wanted));
    if (there !== undefined && there.state !== 'running')
      throw new ProblemsError('step-refused', `Backup ${refOf(wanted)} already exists.`);
    return null;
  },
  isDone,
  async apply(wanted, host) {
    if (await isDone(wanted, host)) return;
    const instance = await host.instance(wanted.instance);
    if (instance === undefined) throw new ProblemsError('step-refused', `There is no instance ${wanted.instance}.`);
    await host.change.backups.take({ instance, name: wanted.name, labels: host.run.labels });
  },
  /** A finished backup is useful in any case, so undo keeps it. */
  undo: () => Promise.resolve(),
  isUndone: () => Promise.resolve(true),
};

/** Complete under its final name, which it gets by one rename. */
async function isDone(wanted: BackupTakeWanted, host: ReadonlyHost): Promise<boolean> {
  const there = await host.backups.read(refOf(wanted));
  return there?.state === 'complete' && there.verification?.filesBy === 'completion';
}

function refOf({ instance, name }: BackupTakeWanted): string {
  return `${instance}/${name}`;
}

const backupExpireParams = z.strictObject({
  /** `<instance>/<name>`. */
  ref: z.string().regex(/^[^/\0]+\/[^/\0]+$/),
});

const backupExpireBefore = z.strictObject({ there: z.boolean() });

/** The part of a removal that can be undone: an expired backup is not listed, and nothing restores from it. */
export const backupExpire: Action<z.output<typeof backupExpireParams>, z.output<typeof backupExpireBefore>> = {
  name: 'backup.expire',
  description: 'Moves a backup that is no longer needed to the folder from which the cleanup removes it.',
  params: backupExpireParams,
  undoState: backupExpireBefore,
  operation: operations['expire-backup'],
  describe: ({ ref }) => `expire the backup ${ref}`,
  effect: async ({ ref }) => [{ object: `backup ${ref}`, before: 'kept', after: 'expired' }],
  async prepare({ ref }, host) {
    const found = await allOf(ref, host);
    if (found.some(({ state }) => state === 'running'))
      throw new ProblemsError('step-refused', `Backup ${ref} is still being taken, or was never finished.`);
    // A name must identify exactly one.
    if (found.length > 1)
      throw new ProblemsError(
        'step-refused',
        `There are ${found.length} backups named ${ref}: ${found.map(({ folder }) => folder).join(', ')}. Choose one yourself.`,
      );
    if (found.length > 0 && (await isExpired(ref, host)))
      throw new ProblemsError('step-refused', `Another expired backup ${ref} has not been removed yet.`);
    return { there: found.length > 0 };
  },
  isDone: isGone,
  async apply(wanted, host) {
    const { ref } = wanted;
    if (await isGone(wanted, host)) return;
    const backup = await requireBackup(ref, host);
    await requireGoodOnes(ref, host);
    await host.change.backups.expire(backup);
  },
  async undo({ ref }, { there }, host) {
    const [instance = '', name = ''] = ref.split('/');
    if (there && (await isExpired(ref, host))) await host.change.backups.unexpire(instance, name);
  },
  async isUndone({ ref }, { there }, host) {
    return ((await host.backups.read(ref)) !== undefined) === there && !(await isExpired(ref, host));
  },
};

/** False while it is still listed: after a crash before the move it is in both lists. */
async function isGone({ ref }: z.output<typeof backupExpireParams>, host: ReadonlyHost): Promise<boolean> {
  return (await isExpired(ref, host)) && (await host.backups.read(ref)) === undefined;
}

async function allOf(ref: string, host: ReadonlyHost): Promise<readonly Backup[]> {
  const { backups } = await host.backups.list(ref.split('/')[0]);
  return backups.filter((one) => one.ref === ref);
}

async function isExpired(ref: string, host: ReadonlyHost): Promise<boolean> {
  const [instance = '', name = ''] = ref.split('/');
  return (await host.backups.expired(instance)).includes(name);
}

/** Always keeps the last two good backups. */
async function requireGoodOnes(ref: string, host: ReadonlyHost): Promise<void> {
  const { backups } = await host.backups.list(ref.split('/')[0]);
  const left = backups.filter((one) => one.ref !== ref && one.state === 'complete' && one.verdict === 'good');
  if (left.length < 2)
    throw new ProblemsError('step-refused', `Without ${ref} only ${left.length} good backups would be left; refused.`);
}
