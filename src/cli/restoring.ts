import { ProblemsError } from '../errors.ts';
import type { Remediation } from '../app/remediation.ts';
import { exitCodeOf, type Surroundings, withRemediation } from './remediation-context.ts';
import type { ConfigChoice } from './settings.ts';

export interface RestoreOptions extends ConfigChoice {
  /** Of the new instance. */
  readonly into: string | undefined;
  /** A moment of the archive; undefined: as the backup has it. */
  readonly to: string | undefined;
  readonly json: boolean;
}

/** What is asked of the backup before it and the restore itself may take a day each. */
const leaseMs = 48 * 3_600_000;

/**
 * Restores a backup into an instance that is not there yet, as a run: journalled, resumable, rolled back by `problems
 * rollback`. Nobody is asked: what is typed says it all, and nothing that exists is touched. Returns the exit code.
 */
export async function restoreBackup(
  surroundings: Surroundings,
  backup: string | undefined,
  options: RestoreOptions,
): Promise<number> {
  const { screen } = surroundings;
  const { into } = options;
  if (backup === undefined || into === undefined || !/^[A-Za-z0-9_-]{1,50}$/.test(into))
    throw new ProblemsError('bad-usage', 'which backup is to be restored, and how is the new instance to be called?', {
      hint: 'problems backups restore orders/20260301_031000 --into orders-march',
    });
  const to = momentOf(options.to);
  const choice = { ...options, registries: false } as const;
  const { port, isOurs } = await portFor(surroundings, choice, backup, into);
  const restore = { backup, into, port, ...(to === undefined ? {} : { to }) };
  return withRemediation(surroundings, { ...choice, settings: { 'backup-repair': { restore } } }, async (opened) => {
    const { remediate } = await import('../app/remediation.ts');
    const { runs } = await remediate(opened, { remediators: ['backup-repair'], automation: 'auto' });
    if (isOurs && runs.every(({ outcome }) => outcome === 'failed' || outcome === 'rolled-back'))
      await release(opened, port, into);
    const { printReports } = await import('./remediation-report.ts');
    printReports(runs, options.json, screen);
    const code = exitCodeOf(runs);
    if (code === 0) screen.notes.write(`${into} answers at 127.0.0.1:${port}, with the roles that the backup has.\n`);
    return code;
  });
}

/** Nothing came of it: the port is not kept from others for two days. */
async function release({ session }: Remediation, port: number, instance: string): Promise<void> {
  const { id } = await session.reader.docker.info();
  await session.store.leases(id).release(port, instance);
}

/** Asked first, so that nothing is leased for what cannot be. `isOurs`: the instance had no lease before. */
async function portFor(
  surroundings: Surroundings,
  choice: ConfigChoice & { readonly registries: false },
  backup: string,
  into: string,
): Promise<{ readonly port: number; readonly isOurs: boolean }> {
  return withRemediation(surroundings, choice, async ({ session }) => {
    const { leasePort } = await import('../app/remediation.ts');
    if ((await session.reader.backups.read(backup)) === undefined)
      throw new ProblemsError('not-found', `There is no backup ${backup}.`, { hint: '`problems backups` lists them.' });
    if ((await session.reader.instance(into)) !== undefined)
      throw new ProblemsError('bad-usage', `There is an instance ${into} already: nothing is restored over it.`, {
        hint: 'Name one that is not there: --into.',
      });
    const isOurs = (await session.reader.leases.list()).every(({ instance }) => instance !== into);
    const lease = await leasePort(session, { instance: into, ttlMs: leaseMs });
    if (lease === undefined)
      throw new ProblemsError('bad-usage', 'No port is left for a new instance.', { hint: '`problems ports`.' });
    return { port: lease.port, isOurs };
  });
}

function momentOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const moment = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/.test(text) ? Date.parse(text.replace(' ', 'T')) : Number.NaN;
  if (Number.isNaN(moment))
    throw new ProblemsError('bad-usage', `'${text}' is no moment`, {
      hint: '2026-03-01T12:30:00Z, or without the Z in the time of this machine.',
    });
  return new Date(moment).toISOString();
}
