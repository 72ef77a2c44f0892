import type { BackupInvocation } from './commands/backups.ts';
import { exitCodeOf, withRemediation } from './remediation-context.ts';
import { tableText } from './render.ts';

/** The actions of `problems backups` that are runs: planned, journalled, resumable. */

export async function takeBackup(invocation: BackupInvocation, instance: string): Promise<number> {
  const { options, screen, now } = invocation;
  const take = { instance, name: stamp(now()), drill: !options.noDrill };
  const choice = { ...options, registries: false, instance: [instance], settings: { 'backup-request': { take } } };
  return withRemediation(invocation, choice, async (remediation) => {
    const { remediate } = await import('../app/remediation.ts');
    const { runs } = await remediate(remediation, { remediators: ['backup-request'], automation: 'auto' });
    const { printReports } = await import('./remediation-report.ts');
    printReports(runs, options.json, screen);
    return exitCodeOf(runs);
  });
}

/** Prints what would go; with `--yes` it goes. */
export async function expireBackups(invocation: BackupInvocation, instance: string | undefined): Promise<number> {
  const { options, screen, now } = invocation;
  const [{ remediate, retainedBackups }, { json }, { retentionTable }] = await Promise.all([
    import('../app/remediation.ts'),
    import('../reporters/json.ts'),
    import('../reporters/text/backups.ts'),
  ]);
  const choice = { ...options, registries: false } as const;
  const retained = await withRemediation(invocation, { ...choice, onlyLooking: true }, ({ session }) =>
    retainedBackups(session, instance),
  );
  const going = retained.filter(({ expires }) => expires).map(({ backup }) => backup.ref);
  if (!options.yes || going.length === 0) {
    if (options.json)
      screen.out.write(
        json({
          schemaVersion: 1,
          backups: retained.map(({ backup, expires, why }) => ({ ref: backup.ref, bytes: backup.bytes, expires, why })),
        }),
      );
    else if (retained.length > 0) screen.out.write(await tableText(retentionTable(retained, now()), screen.out));
    screen.notes.write(going.length === 0 ? 'Nothing would be removed.\n' : `--yes removes ${going.join(', ')}.\n`);
    return 0;
  }
  const settings = { 'backup-request': { expire: going } };
  return withRemediation(invocation, { ...choice, settings }, async (remediation) => {
    const { runs } = await remediate(remediation, {
      remediators: ['backup-request'],
      yes: true,
      by: '--yes of problems backups expire',
    });
    const { printReports } = await import('./remediation-report.ts');
    printReports(runs, options.json, screen);
    return exitCodeOf(runs);
  });
}

/** As the managed system names its backups: `%Y%m%d_%H%M%S`, in UTC. */
function stamp(now: Date): string {
  return now.toISOString().replaceAll(/[-:]/g, '').replace('T', '_').slice(0, 15);
}
