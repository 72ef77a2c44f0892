import { ProblemsError } from '../../errors.ts';
import { defineCommand, type Invocation, type OptionDeclarations, type OptionValues } from '../command.ts';
import { exitCodeOf, type RemediationContext, withRemediation } from '../remediation-context.ts';
import { tableText } from '../render.ts';
import { type ConfigChoice, configOptions } from '../shared-options.ts';

export interface RestoreOptions extends ConfigChoice {
  /** Name of the new instance. */
  readonly into: string | undefined;
  /** Point in time; undefined: the state of the backup. */
  readonly to: string | undefined;
  readonly json: boolean;
}

/** Restores a backup into a new instance and prints the run. Returns the exit code. */
export async function restoreBackup(
  context: RemediationContext,
  backup: string | undefined,
  options: RestoreOptions,
): Promise<number> {
  const { screen } = context;
  const { into } = options;
  if (backup === undefined || into === undefined || !/^[A-Za-z0-9_-]{1,50}$/.test(into))
    throw new ProblemsError('bad-usage', '`restore` needs a backup and the name of the new instance.', {
      hint: 'problems backups restore orders/20260301_031000 --into orders-march',
    });
  const to = momentOf(options.to);
  return withRemediation(context, { ...options, registries: false }, async (remediation) => {
    const { restoreBackup: restore } = await import('../../app/remediation.ts');
    const { report, port } = await restore(remediation, { backup, into, ...(to === undefined ? {} : { to }) });
    const { printReports } = await import('../render.ts');
    printReports([report], options.json, screen);
    const code = exitCodeOf([report]);
    if (code === 0)
      screen.notes.write(`${into} accepts connections at 127.0.0.1:${port}, with the roles of the backup.\n`);
    return code;
  });
}

function momentOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const moment = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/.test(text) ? Date.parse(text.replace(' ', 'T')) : Number.NaN;
  if (Number.isNaN(moment))
    throw new ProblemsError('bad-usage', `Invalid time "${text}".`, {
      hint: 'Use 2026-03-01T12:30:00Z; without the Z it is local time.',
    });
  return new Date(moment).toISOString();
}

const backupOptions = {
  level: {
    type: 'text',
    value: 'L0..L6',
    about: 'How far to verify (with `verify`). From L4 on, a copy is restored in a temporary container. Default: L5.',
    choices: ['L0', 'L1', 'L2', 'L3', 'L4', 'L5', 'L6'],
  },
  noDrill: { type: 'flag', about: 'Verify the files against the manifest only, at L3 (with `take`).' },
  into: { type: 'text', value: 'name', about: 'Name of the new instance (with `restore`).' },
  to: {
    type: 'text',
    value: 'time',
    about: 'Point in time to restore, such as 2026-03-01T12:30:00Z (with `restore`).',
  },
  yes: { type: 'flag', about: 'Remove the backups that would be removed (with `expire`).' },
  json: { type: 'flag', about: 'Print one JSON object.' },
  ...configOptions,
} as const satisfies OptionDeclarations;

export type BackupOptions = OptionValues<typeof backupOptions>;

export type BackupInvocation = Invocation<typeof backupOptions>;

export const backups = defineCommand({
  name: 'backups',
  group: 'instances',
  summary: 'List backups and how far each is verified; verify, take, restore, expire and put them back.',
  about:
    'Backups are in <folder>/<instance>/<name>/. The folders are remediation.backupFolders of the config, by default ' +
    '.vrooli/backups/postgres. docs/backups.md explains the levels; only a backup that was restored once (L4) counts as ' +
    'good. The first argument is an instance or an action: `verify`, `take`, `restore`, `expire` or `put-back`. ' +
    '`restore` always restores into a new instance; it never overwrites one. The list ends in a verdict for each instance: ' +
    'good, none, too old (settings.backup-repair.rpoHours, by default 26 hours), not proven, or broken.',
  arguments: [
    { name: 'instance or action', about: 'An instance, or `verify`, `take`, `restore`, `expire` or `put-back`.' },
    {
      name: 'of',
      about:
        '`verify`: backups (<instance>/<name>) or instances. `restore`, `put-back`: a backup. `take`, `expire`: an instance.',
      variadic: true,
    },
  ],
  options: backupOptions,
  examples: [
    { command: 'problems backups', about: 'every backup, with its level' },
    { command: 'problems backups verify orders/20260301_031000 --level L4', about: 'restore a copy and compare it' },
    { command: 'problems backups verify orders', about: 'all backups of an instance' },
    { command: 'problems backups take orders', about: 'a new backup, verified by a restore' },
    {
      command: 'problems backups restore orders/20260301_031000 --to 2026-03-01T12:30:00Z --into orders-noon',
      about: 'the state at noon, in a new instance',
    },
    { command: 'problems backups put-back orders/20260301_031000', about: 'undo that it was set aside' },
    { command: 'problems backups expire orders', about: 'what retention would remove; --yes removes it' },
  ],
  exitCodes: [
    {
      code: 0,
      about: 'every instance has a recent backup that was restored once, and none is damaged; or the action succeeded',
    },
    {
      code: 1,
      about:
        'an instance has no backup, or it is too old, not proven or damaged; or something could not be read; or the action failed',
    },
    { code: 2, about: 'the command failed: there is no such backup, the Docker engine does not answer, …' },
  ],
  async run(invocation) {
    const [word, ...rest] = invocation.arguments;
    switch (word) {
      case 'verify':
        return verify(invocation, rest);
      case 'take':
        return takeBackup(invocation, one(rest, 'take'));
      case 'restore':
        return restoreBackup(invocation, rest.length > 1 ? undefined : rest[0], invocation.options);
      case 'put-back':
        return putBack(invocation, one(rest, 'put-back', 'backup'));
      case 'expire':
        return expireBackups(invocation, rest[0]);
      default:
        if (rest.length > 0)
          throw new ProblemsError('bad-usage', `Unknown action '${word}'.`, {
            hint: 'Use verify, take, restore, expire or put-back.',
          });
        return show(invocation, word);
    }
  },
});

function one(words: readonly string[], action: string, what = 'instance'): string {
  const [word, ...more] = words;
  if (word === undefined || more.length > 0)
    throw new ProblemsError('bad-usage', `Missing ${what} name.`, {
      hint: `problems backups ${action} orders${what === 'backup' ? '/20260301_031000' : ''}`,
    });
  return word;
}

async function show(invocation: BackupInvocation, instance: string | undefined): Promise<number> {
  const { options: chosen, screen, now } = invocation;
  const [{ backupVerdicts }, { toJson }, { backupsTable, searchedText, verdictsText }] = await Promise.all([
    import('../../app/remediation.ts'),
    import('../../reporters/json.ts'),
    import('../../reporters/text/backups.ts'),
  ]);
  const choice = { ...chosen, registries: false, onlyLooking: true } as const;
  const {
    backups: found,
    notLookedAt,
    verdicts,
    folders,
    repositories = [],
  } = await withRemediation(invocation, choice, (remediation) => backupVerdicts(remediation, instance));
  if (chosen.json)
    screen.out.write(
      toJson({
        schemaVersion: 1,
        backups: found,
        verdicts,
        notLookedAt,
        ...(repositories.length === 0 ? {} : { repositories }),
      }),
    );
  else {
    if (found.length > 0) screen.out.write(await tableText(backupsTable(found, now()), screen.out));
    screen.out.write(verdictsText(verdicts, screen.out.style));
    if (verdicts.length === 0 && repositories.length === 0) screen.notes.write('There are no backups.\n');
    screen.notes.write(searchedText(verdicts, repositories, folders));
    for (const { path, reason } of notLookedAt) screen.notes.write(`not checked: ${path}: ${reason}\n`);
  }
  const isGood = verdicts.length > 0 && verdicts.every(({ verdict }) => verdict === 'good');
  return isGood && notLookedAt.length === 0 ? 0 : 1;
}

async function verify(invocation: BackupInvocation, words: readonly string[]): Promise<number> {
  const { options: chosen, screen } = invocation;
  if (words.length === 0)
    throw new ProblemsError('bad-usage', 'Missing backup or instance name.', {
      hint: 'problems backups verify orders/20260301_031000',
    });
  const [{ backupVerdicts, verifyBackup }, { toJson }, { checksText }] = await Promise.all([
    import('../../app/remediation.ts'),
    import('../../reporters/json.ts'),
    import('../../reporters/text/backups.ts'),
  ]);
  const choice = { ...chosen, registries: false, onlyLooking: true } as const;
  return withRemediation(invocation, choice, async (remediation) => {
    const { session } = remediation;
    const refs: string[] = [];
    for (const word of words)
      if (word.includes('/')) refs.push(word);
      else
        refs.push(
          ...(await backupVerdicts(remediation, word)).backups
            .filter(({ state }) => state !== 'running')
            .map(({ ref }) => ref),
        );
    if (refs.length === 0) screen.notes.write('There are no backups.\n');
    const verified = [];
    for (const [index, backup] of refs.entries()) {
      if (session.signal.aborted) break;
      verified.push(
        await verifyBackup(remediation, {
          backup,
          upTo: chosen.level ?? 'L5',
          onProgress: (what) =>
            session.emit({ type: 'step', run: '', index, of: refs.length, state: 'applying', what }),
        }),
      );
    }
    if (chosen.json)
      screen.out.write(
        toJson({
          schemaVersion: 1,
          backups: verified.map(({ backup, answer }) => ({ ...backup, checks: answer.checks })),
        }),
      );
    else
      screen.out.write(
        verified.map(({ backup, answer }) => checksText(backup, answer.checks, screen.out.style)).join('\n'),
      );
    const isFine = verified.every(
      ({ answer }) => answer.checks.length > 0 && answer.checks.at(-1)?.result === 'passed',
    );
    return isFine && verified.length > 0 ? 0 : 1;
  });
}

/** The actions of `problems backups` that are runs: planned, journalled, resumable. */

export async function takeBackup(invocation: BackupInvocation, instance: string): Promise<number> {
  const { options, screen } = invocation;
  const choice = { ...options, registries: false, instance: [instance] } as const;
  return withRemediation(invocation, choice, async (remediation) => {
    const { takeBackup: take } = await import('../../app/remediation.ts');
    const report = await take(remediation, { instance, drill: !options.noDrill });
    const [{ printReports }, { escapeTerminal }] = await Promise.all([
      import('../render.ts'),
      import('../../reporters/escape-terminal.ts'),
    ]);
    printReports([report], options.json, screen);
    const held = report.verification?.checks.find(({ name }) => name === 'what it holds');
    if (held !== undefined) screen.notes.write(`It holds: ${escapeTerminal(held.seen)}\n`);
    return exitCodeOf([report]);
  });
}

async function putBack(invocation: BackupInvocation, backup: string): Promise<number> {
  const { options, screen } = invocation;
  const choice = { ...options, registries: false } as const;
  return withRemediation(invocation, choice, async (remediation) => {
    const { putBackBackup } = await import('../../app/remediation.ts');
    const report = await putBackBackup(remediation, { backup });
    const { printReports } = await import('../render.ts');
    printReports([report], options.json, screen);
    return exitCodeOf([report]);
  });
}

/** Prints what retention would remove; with `--yes`, removes it. */
export async function expireBackups(invocation: BackupInvocation, instance: string | undefined): Promise<number> {
  const { options, screen, now } = invocation;
  const [{ retainedBackups }, { toJson }, { retentionTable }] = await Promise.all([
    import('../../app/remediation.ts'),
    import('../../reporters/json.ts'),
    import('../../reporters/text/backups.ts'),
  ]);
  const choice = { ...options, registries: false } as const;
  const retained = await withRemediation(invocation, { ...choice, onlyLooking: true }, (remediation) =>
    retainedBackups(remediation, instance),
  );
  const going = retained.filter(({ expires }) => expires).map(({ backup }) => backup.ref);
  if (!options.yes || going.length === 0) {
    if (options.json)
      screen.out.write(
        toJson({
          schemaVersion: 1,
          backups: retained.map(({ backup, expires, why }) => ({ ref: backup.ref, bytes: backup.bytes, expires, why })),
        }),
      );
    else if (retained.length > 0) screen.out.write(await tableText(retentionTable(retained, now()), screen.out));
    screen.notes.write(going.length === 0 ? 'Nothing would be removed.\n' : `--yes removes ${going.join(', ')}.\n`);
    return 0;
  }
  return withRemediation(invocation, choice, async (remediation) => {
    const { expireBackups: expire } = await import('../../app/remediation.ts');
    const runs = await expire(remediation, { backups: going, yes: true, by: '--yes of problems backups expire' });
    const { printReports } = await import('../render.ts');
    printReports(runs, options.json, screen);
    return exitCodeOf(runs);
  });
}
