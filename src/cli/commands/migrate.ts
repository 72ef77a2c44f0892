import { resolve } from 'node:path';
import { ProblemsError } from '../../errors.ts';
import { defineCommand } from '../command.ts';
import { withRemediation } from '../remediation-context.ts';
import { configOptions } from '../shared-options.ts';

export const migrate = defineCommand({
  name: 'migrate',
  group: 'instances',
  summary: 'Apply the SQL files of a folder to an instance, in name order, each exactly once.',
  about:
    'Any number of these may run at once: one of them works, under a lock of the database, and the others wait and find ' +
    'it done. The ledger is schema_migrations, as other tools know it. Each file is one transaction; a statement that ' +
    'PostgreSQL runs only outside one, such as CREATE INDEX CONCURRENTLY, stands alone in its file. Files called ' +
    'rollback_*.sql are never run. docs/migrations.md has the rules.',
  arguments: [
    { name: 'instance', about: 'Its name; with --all it is left out.' },
    { name: 'folder', about: 'The folder of the files.', completion: 'folder' },
  ],
  options: {
    all: { type: 'flag', about: 'Every instance, one after the other.' },
    database: { type: 'text', value: 'name', about: 'This database. Default: the instance’s own.' },
    template: {
      type: 'text',
      value: 'name',
      about: 'Migrate a template of this name, with the files’ fingerprint behind it, instead of a database.',
    },
    databases: { type: 'words', value: 'names', about: 'Of --template: databases to make from it.' },
    dryRun: { type: 'flag', about: 'Say what would be applied, and what is in the way. Changes nothing.' },
    wait: {
      type: 'number',
      value: 'seconds',
      about: 'How long another runner is waited for. Default: 600.',
      minimum: 0,
      whole: true,
    },
    address: {
      type: 'text',
      value: 'host:port',
      about: 'Connect there, not to the published port or the container’s address. A pooler is refused.',
    },
    json: { type: 'flag', about: 'Print one JSON object.' },
    ...configOptions,
  },
  examples: [
    { command: 'problems migrate orders migrations', about: 'the instance’s own database' },
    { command: 'problems migrate orders migrations --dry-run', about: 'only look' },
    { command: 'problems migrate --all migrations', about: 'every instance, with a summary' },
    {
      command: 'problems migrate orders migrations --template tenant --databases acme,globex',
      about: 'migrate once, and make two databases from it',
    },
  ],
  exitCodes: [
    { code: 0, about: 'everything is applied; with --dry-run: it could be' },
    { code: 1, about: 'a file was refused or failed, or with --all an instance could not be reached' },
    { code: 2, about: 'the instance cannot be reached, the folder cannot be read, or a pooler is in between' },
  ],
  async run(invocation) {
    const { arguments: words, options, screen, cwd } = invocation;
    const { all, database, template, databases, dryRun, wait, address, json: asJson, ...choice } = options;
    const [instance, folder] = all ? [undefined, words[0]] : words;
    if (folder === undefined || (all && words.length > 1))
      throw new ProblemsError(
        'bad-usage',
        all ? 'with --all, the folder alone is named' : 'an instance and a folder are needed',
        {
          hint: all ? 'problems migrate --all migrations' : 'problems migrate orders migrations',
        },
      );
    if (template !== undefined && (database !== undefined || dryRun))
      throw new ProblemsError('bad-usage', '--template goes with neither --database nor --dry-run');
    if (template !== undefined) needName(template, 50);
    if (databases.length > 0 && template === undefined)
      throw new ProblemsError('bad-usage', '--databases are made from a --template', {
        hint: 'Name one: --template tenant',
      });
    for (const name of databases) needName(name, 63);
    const direct = address === undefined ? undefined : addressOf(address);
    const [{ migrateInstances }, { isMigrated, migrateProgressText, migrationText }, { toJson }] = await Promise.all([
      import('../../app/remediation.ts'),
      import('../../reporters/text/migration.ts'),
      import('../../reporters/json.ts'),
    ]);
    const ended = await withRemediation(
      invocation,
      { ...choice, registries: false, onlyLooking: true },
      (remediation) =>
        migrateInstances(remediation, {
          folder: resolve(cwd, folder),
          instances: instance === undefined ? 'all' : [instance],
          dryRun,
          onProgress: (name, progress) => screen.notes.write(migrateProgressText(name, progress)),
          ...(database === undefined ? {} : { database }),
          ...(template === undefined ? {} : { template: { name: template, databases } }),
          ...(wait === undefined ? {} : { waitMs: wait * 1_000 }),
          ...(direct === undefined ? {} : { address: direct }),
        }),
    );
    const [only] = ended;
    if (!all && only?.error !== null && only !== undefined)
      throw new ProblemsError('step-refused', only.error.message, { hint: only.error.hint ?? undefined });
    if (ended.length === 0) screen.notes.write('No instance is there.\n');
    screen.out.write(asJson ? toJson({ schemaVersion: 1, instances: ended }) : migrationText(ended, screen.out.style));
    return ended.every(isMigrated) ? 0 : 1;
  },
});

/** What stands in names that are quoted anyway: no more than people type without quotes. */
function needName(name: string, longest: number): void {
  if (/^[A-Za-z_][A-Za-z0-9_-]*$/.test(name) && name.length <= longest) return;
  throw new ProblemsError('bad-usage', `${name} is no name of a database`, {
    hint: `Letters, digits, _ and -, at most ${longest}, and no digit first.`,
  });
}

/** `db.example.org:5432`, `[::1]:5432`. */
function addressOf(text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined || port < 1 || port > 65_535)
    throw new ProblemsError('bad-usage', `${text} is no address`, { hint: 'host:port, such as 127.0.0.1:5440' });
  return { host, port };
}
