import { resolve } from 'node:path';
import { ProblemsError } from '../../errors.ts';
import { defineCommand } from '../command.ts';
import { withRemediation } from '../remediation-context.ts';
import { configOptions } from '../shared-options.ts';

export const migrate = defineCommand({
  name: 'migrate',
  group: 'instances',
  summary: 'Apply the SQL files of a folder to an instance, in the order of their names, each exactly once.',
  about:
    'Any number of these commands can run at once: one of them applies the files, under a lock of the database, and the ' +
    'others wait for it. The ledger is the table schema_migrations, as in other tools. Each file is one transaction; a ' +
    'statement that cannot run in a transaction, such as CREATE INDEX CONCURRENTLY, needs a file to itself. Files named ' +
    'rollback_*.sql are never run. See docs/migrations.md.',
  arguments: [
    { name: 'instance', about: 'Instance name. Omit it with --all.' },
    { name: 'folder', about: 'Folder with the SQL files.', completion: 'folder' },
  ],
  options: {
    all: { type: 'flag', about: 'Every instance, one after the other.' },
    database: { type: 'text', value: 'name', about: 'Database to migrate. Default: the instance’s own.' },
    template: {
      type: 'text',
      value: 'name',
      about: 'Create or update the template database NAME_<fingerprint> instead of migrating a database.',
    },
    databases: { type: 'words', value: 'names', about: 'Databases to create from the template (with --template).' },
    role: {
      type: 'text',
      value: 'name',
      about: 'Role to log in as. Default: that of the config, else the instance’s user unless it is a superuser.',
    },
    dryRun: { type: 'flag', about: 'Show pending migrations and what blocks them. Changes nothing.' },
    wait: {
      type: 'number',
      value: 'seconds',
      about: 'Seconds to wait for another migration to finish. Default: 600.',
      minimum: 0,
      whole: true,
    },
    address: {
      type: 'text',
      value: 'host:port',
      about: 'Connect to this address instead of the published port or the container’s address. Poolers are refused.',
    },
    json: { type: 'flag', about: 'Print one JSON object.' },
    ...configOptions,
  },
  examples: [
    { command: 'problems migrate orders migrations', about: 'the instance’s own database' },
    { command: 'problems migrate orders migrations --dry-run', about: 'show what is pending' },
    { command: 'problems migrate --all migrations', about: 'every instance, with a summary' },
    {
      command: 'problems migrate orders migrations --template tenant --databases acme,globex',
      about: 'migrate a template once, and create two databases from it',
    },
  ],
  exitCodes: [
    { code: 0, about: 'everything is applied; with --dry-run: nothing blocks the migrations' },
    { code: 1, about: 'a file was refused or failed; with --all: an instance could not be reached, or there is none' },
    { code: 2, about: 'the instance cannot be reached, the folder cannot be read, or the address is a pooler' },
  ],
  async run(invocation) {
    const { arguments: words, options, screen, cwd } = invocation;
    const { all, database, template, databases, role, dryRun, wait, address, json: asJson, ...choice } = options;
    const [instance, folder] = all ? [undefined, words[0]] : words;
    if (folder === undefined || (all && words.length > 1))
      throw new ProblemsError('bad-usage', all ? 'With --all, name only the folder.' : 'Missing instance or folder.', {
        hint: all ? 'problems migrate --all migrations' : 'problems migrate orders migrations',
      });
    if (template !== undefined && (database !== undefined || dryRun))
      throw new ProblemsError('bad-usage', '--template cannot be combined with --database or --dry-run.');
    if (template !== undefined) requireName(template, 50);
    if (databases.length > 0 && template === undefined)
      throw new ProblemsError('bad-usage', '--databases requires --template.', {
        hint: 'Add --template tenant.',
      });
    for (const name of databases) requireName(name, 63);
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
          ...(role === undefined ? {} : { role }),
          ...(template === undefined ? {} : { template: { name: template, databases } }),
          ...(wait === undefined ? {} : { waitMs: wait * 1_000 }),
          ...(direct === undefined ? {} : { address: direct }),
        }),
    );
    const [only] = ended;
    if (!all && only?.error !== null && only !== undefined)
      throw new ProblemsError('step-refused', only.error.message, { hint: only.error.hint ?? undefined });
    screen.out.write(asJson ? toJson({ schemaVersion: 1, instances: ended }) : migrationText(ended, screen.out.style));
    if (ended.length === 0) screen.notes.write('There is no instance to migrate.\n');
    return ended.length > 0 && ended.every(isMigrated) ? 0 : 1;
  },
});

/** Names are quoted anyway; these can also be typed without quotes. */
function requireName(name: string, longest: number): void {
  if (/^[A-Za-z_][A-Za-z0-9_-]*$/.test(name) && name.length <= longest) return;
  throw new ProblemsError('bad-usage', `Invalid database name "${name}".`, {
    hint: `Use at most ${longest} letters, digits, _ and -, not starting with a digit.`,
  });
}

/** `db.example.org:5432`, `[::1]:5432`. */
function addressOf(text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined || port < 1 || port > 65_535)
    throw new ProblemsError('bad-usage', `Invalid address "${text}".`, {
      hint: 'Use host:port, such as 127.0.0.1:5440.',
    });
  return { host, port };
}
