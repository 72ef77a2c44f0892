import { ProblemsError } from '../../errors.ts';
import { defineCommand, type Invocation, type OptionDeclarations, type OptionValues } from '../command.ts';
import { expireBackups, takeBackup } from '../backup-runs.ts';
import { restoreBackup } from '../restoring.ts';
import { withRemediation } from '../remediation-context.ts';
import { createRunProgress } from '../run-progress.ts';
import { configOptions } from '../settings.ts';
import { tableText } from '../render.ts';

const options = {
  level: {
    type: 'text',
    value: 'L0..L6',
    about: 'How far `verify` climbs. From L4 on a copy is restored in a throw-away container. Default L5.',
    choices: ['L0', 'L1', 'L2', 'L3', 'L4', 'L5', 'L6'],
  },
  noDrill: { type: 'flag', about: '`take` ends when the files were compared with the manifest, at L3.' },
  into: { type: 'text', value: 'name', about: 'Of `restore`: how the new instance is called.' },
  to: { type: 'text', value: 'time', about: 'Of `restore`: a moment of the archive, such as 2026-03-01T12:30:00Z.' },
  yes: { type: 'flag', about: '`expire` removes what it would remove.' },
  json: { type: 'flag', about: 'Print one JSON object.' },
  ...configOptions,
} as const satisfies OptionDeclarations;

export type BackupOptions = OptionValues<typeof options>;
export type BackupInvocation = Invocation<typeof options>;

export const backups = defineCommand({
  name: 'backups',
  summary: 'Show backups and how far they are known to hold; verify, take, restore and expire them.',
  about:
    'Backups lie in <folder>/<instance>/<name>/; the folders are remediation.backupFolders of the config, by default ' +
    '.vrooli/backups/postgres. The levels are in docs/backups.md; only a backup that was restored once (L4) counts as ' +
    'good. A word alone is an instance; `verify`, `take`, `restore` and `expire` are what to do. ' +
    '`restore` makes a new instance beside, never over, what is there.',
  arguments: [
    { name: 'instance or action', about: 'An instance, or `verify`, `take`, `restore`, `expire`.' },
    {
      name: 'of',
      about: '`verify`: backups (<instance>/<name>) or instances. `restore`: a backup. `take`, `expire`: an instance.',
      variadic: true,
    },
  ],
  options,
  examples: [
    { command: 'problems backups', about: 'every backup, with the level it has reached' },
    { command: 'problems backups verify orders/20260301_031000 --level L4', about: 'restore a copy and compare' },
    { command: 'problems backups verify orders', about: 'all backups of an instance' },
    { command: 'problems backups take orders', about: 'a new backup, proven by a restore' },
    {
      command: 'problems backups restore orders/20260301_031000 --to 2026-03-01T12:30:00Z --into orders-noon',
      about: 'as it was at noon, in a new instance',
    },
    { command: 'problems backups expire orders', about: 'what retention would remove; --yes removes it' },
  ],
  exitCodes: [
    { code: 0, about: 'no backup is bad, or it was done' },
    { code: 1, about: 'a backup is bad or could not be asked, or something was not done' },
    { code: 2, about: 'the work could not be done: there is no such backup, the engine does not answer, …' },
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
      case 'expire':
        return expireBackups(invocation, rest[0]);
      default:
        if (rest.length > 0)
          throw new ProblemsError('bad-usage', `unknown action '${word}'`, {
            hint: 'There are verify, take, restore and expire.',
          });
        return show(invocation, word);
    }
  },
});

function one(words: readonly string[], action: string): string {
  const [word, ...more] = words;
  if (word === undefined || more.length > 0)
    throw new ProblemsError('bad-usage', `which instance is to be backed up?`, {
      hint: `problems backups ${action} orders`,
    });
  return word;
}

async function show(invocation: BackupInvocation, instance: string | undefined): Promise<number> {
  const { options: chosen, screen, now } = invocation;
  const [{ lookAtBackups }, { json }, { backupsTable }] = await Promise.all([
    import('../../app/remediation.ts'),
    import('../../reporters/json.ts'),
    import('../../reporters/text/backups.ts'),
  ]);
  const choice = { ...chosen, registries: false, onlyLooking: true } as const;
  const { backups: found, notLookedAt } = await withRemediation(invocation, choice, ({ session }) =>
    lookAtBackups(session, instance),
  );
  if (chosen.json) screen.out.write(json({ schemaVersion: 1, backups: found, notLookedAt }));
  else {
    if (found.length > 0) screen.out.write(await tableText(backupsTable(found, now()), screen.out));
    else screen.notes.write(`There are no backups${instance === undefined ? '' : ` of ${instance}`}.\n`);
    for (const { path, reason } of notLookedAt) screen.notes.write(`not looked at: ${path}: ${reason}\n`);
  }
  return found.some(({ verdict, state }) => verdict === 'bad' && state !== 'quarantined') ? 1 : 0;
}

async function verify(invocation: BackupInvocation, words: readonly string[]): Promise<number> {
  const { options: chosen, screen } = invocation;
  if (words.length === 0)
    throw new ProblemsError('bad-usage', 'which backup is to be verified?', {
      hint: 'problems backups verify orders/20260301_031000',
    });
  const [{ lookAtBackups, verifyBackup }, { json }, { checksText }] = await Promise.all([
    import('../../app/remediation.ts'),
    import('../../reporters/json.ts'),
    import('../../reporters/text/backups.ts'),
  ]);
  const progress = createRunProgress(screen.notes);
  const choice = { ...chosen, registries: false, onlyLooking: true } as const;
  try {
    return await withRemediation(invocation, choice, async ({ session }) => {
      const refs: string[] = [];
      for (const word of words)
        if (word.includes('/')) refs.push(word);
        else
          refs.push(
            ...(await lookAtBackups(session, word)).backups
              .filter(({ state }) => state !== 'running')
              .map(({ ref }) => ref),
          );
      const verified = [];
      for (const [index, backup] of refs.entries()) {
        if (session.stop?.aborted === true) break;
        verified.push(
          await verifyBackup(session, {
            backup,
            upTo: chosen.level ?? 'L5',
            onProgress: (what) =>
              progress.show({ type: 'step', run: '', index, of: refs.length, state: 'applying', what }),
          }),
        );
      }
      progress.end();
      if (chosen.json)
        screen.out.write(
          json({
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
  } finally {
    progress.end();
  }
}
