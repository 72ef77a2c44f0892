import { randomUUID } from 'node:crypto';
import { oneLine } from '../../util/text.ts';
import { safePathOption } from '../../postgres/search-path.ts';
import type { ChangingEngine } from '../docker/client.ts';
import { runHelper } from '../exec.ts';
import type { Instance } from '../instance.ts';
import type { Credentials } from '../postgres/credentials.ts';
import { imageUser } from './files.ts';
import type { BackupProbe, DatabaseProbe, ReferenceRequest, ReferenceSchema } from './types.ts';

/**
 * The connection, the names of databases and a separator come on standard input, so that none of them is an argument. The end
 * of each output is kept, and the exit status after it.
 */
const databasesScript = String.raw`
IFS= read -r PGPORT; IFS= read -r PGUSER; IFS= read -r PGPASSWORD; IFS= read -r seconds; IFS= read -r separator
export PGPORT PGUSER PGPASSWORD PGHOST=127.0.0.1 PGCONNECT_TIMEOUT=15 PGAPPNAME=problem-registry LC_ALL=C
export PGOPTIONS='-c search_path=${safePathOption} -c lock_timeout=2000'
until=$(($(date +%s) + seconds))
number=0
while IFS= read -r PGDATABASE; do
  export PGDATABASE
  left=$((until - $(date +%s)))
  printf '%s %s\n' "$separator" "$number"
  if [ "$left" -gt 0 ]; then
    { timeout "$left" "$@" </dev/null 2>&1; printf '\n%s exit %s\n' "$separator" $?; } | tail -c 4096
  fi
  number=$((number + 1))
done
`;

/**
 * Runs a program of the server's image on each database in turn, in the server's network namespace. The timeout is for all of
 * them; a database that was not reached or did not finish has no exit code.
 */
async function onEachDatabase(
  engine: ChangingEngine,
  credentials: Credentials,
  instance: Instance,
  databases: readonly string[],
  program: readonly string[],
  timeoutMs: number,
): Promise<readonly DatabaseProbe[]> {
  // libpq would read such a name as a connection string and might connect elsewhere.
  const asked = databases.filter((name) => !/[=\r\n\0]|^postgres(?:ql)?:/.test(name));
  const [password = ''] = await credentials.passwords(instance);
  const seconds = Math.max(1, Math.ceil(timeoutMs / 1000));
  const separator = randomUUID();
  const { stdout } = await runHelper(engine, {
    task: 'client',
    image: instance.container.image,
    command: ['sh', '-c', databasesScript, 'sh', ...program],
    stdin: [
      ...[String(instance.port), instance.user, password, String(seconds), separator].map(oneLine),
      ...asked,
      '',
    ].join('\n'),
    network: { container: instance.container.id },
    timeoutMs: seconds * 1000 + 10_000,
    maxBytes: 4 * 2 ** 20,
  });
  return databases.map((database) => {
    const number = asked.indexOf(database);
    const part = number === -1 ? '' : (stdout.split(`${separator} ${number}\n`)[1]?.split(/^\S{36} \d+$/m)[0] ?? '');
    const [text = '', status] = part.split(`\n${separator} exit `);
    const exitCode = status === undefined ? undefined : Number.parseInt(status, 10);
    // The exit codes of `timeout`, from GNU and from BusyBox.
    const ended = exitCode !== undefined && exitCode !== 124 && exitCode !== 143;
    return { database, ...(ended ? { exitCode } : {}), text: text.trim() };
  });
}

/**
 * pg_amcheck without `--parent-check`, which would block writes: tables, and indexes with every row of their tables
 * (docs/engineering/corruption.md#amcheck). 0: no damage; 2: damage, or an error of the server; 1: it could not
 * check, for example because the extension is not installed.
 */
export function amcheck(
  engine: ChangingEngine,
  credentials: Credentials,
  instance: Instance,
  databases: readonly string[],
  { timeoutMs = 60_000 }: { readonly timeoutMs?: number } = {},
): Promise<readonly DatabaseProbe[]> {
  const program = ['pg_amcheck', '--no-password', '--heapallindexed'];
  return onEachDatabase(engine, credentials, instance, databases, program, timeoutMs);
}

/** Dumps to /dev/null, which reads every row of every table and turns it into text. 0: no error. */
export function readRows(
  engine: ChangingEngine,
  credentials: Credentials,
  instance: Instance,
  databases: readonly string[],
  { timeoutMs = 60_000 }: { readonly timeoutMs?: number } = {},
): Promise<readonly DatabaseProbe[]> {
  const program = ['pg_dump', '--no-password', '--no-sync', '--lock-wait-timeout=2s', '--file=/dev/null'];
  return onEachDatabase(engine, credentials, instance, databases, program, timeoutMs);
}

/**
 * The connection comes on standard input, so that neither name nor password is an argument. PostgreSQL 15 and later discard
 * the backup in the server; older versions send it here.
 */
const baseBackupScript = String.raw`
IFS= read -r PGPORT; IFS= read -r PGUSER; IFS= read -r PGPASSWORD; IFS= read -r seconds
export PGPORT PGUSER PGPASSWORD PGHOST=127.0.0.1 PGCONNECT_TIMEOUT=4 PGAPPNAME=problem-registry LC_ALL=C
set -- pg_basebackup --checkpoint=fast --wal-method=none --no-password
if pg_basebackup --help | grep -q -e --target; then
  timeout "$seconds" "$@" --target=blackhole
else
  timeout "$seconds" "$@" --pgdata=- --format=tar >/dev/null
fi
`;

/** Runs pg_basebackup of the server's image in the server's network namespace, so the local rules of pg_hba.conf apply. */
export async function baseBackup(
  engine: ChangingEngine,
  credentials: Credentials,
  instance: Instance,
  { timeoutMs = 120_000 }: { readonly timeoutMs?: number } = {},
): Promise<BackupProbe> {
  const [password = ''] = await credentials.passwords(instance);
  const seconds = Math.max(1, Math.ceil(timeoutMs / 1000));
  const { exitCode, stderr } = await runHelper(engine, {
    task: 'client',
    image: instance.container.image,
    command: ['sh', '-c', baseBackupScript],
    stdin: [String(instance.port), instance.user, password, String(seconds), ''].map(oneLine).join('\n'),
    network: { container: instance.container.id },
    timeoutMs: seconds * 1000 + 10_000,
    maxBytes: 16_384,
  });
  if (exitCode === 0) return { result: 'done', message: '' };
  // The exit codes of `timeout`, from GNU and from BusyBox.
  if (exitCode === 124 || exitCode === 143) return { result: 'refused', message: `did not finish within ${seconds} s` };
  return { result: didNotStart(stderr) ? 'refused' : 'failed', message: stderr.trim().slice(0, 1_000) };
}

/** A login, a rule or a setting prevented it, which says nothing about the files. */
function didNotStart(message: string): boolean {
  if (message.includes('Permission denied')) return false;
  return /connection to server|no pg_hba\.conf entry|authentication failed|WAL level not sufficient|max_wal_senders|must be superuser|permission denied to (?:start|use)|pg_basebackup: not found/.test(
    message,
  );
}

/**
 * Creates an empty server without a network on a temporary volume, runs the files in it as the runner would, and then the
 * question. All of it runs as the image's postgres, which has no capability.
 */
const referenceSchemaScript = String.raw`
set -u
export HOME=/tmp/schema TMPDIR=/tmp/schema PGHOST=/tmp/schema LC_MESSAGES=C PGCONNECT_TIMEOUT=30 PGAPPNAME=problem-registry
unset PGPASSWORD PGUSER PGDATABASE PGPORT PGDATA POSTGRES_PASSWORD
umask 077
mkdir /tmp/schema && cd /tmp/schema || exit 1
next() { IFS= read -r line; printf %s "$line" | base64 -d >"$1"; }
IFS= read -r role; IFS= read -r database; IFS= read -r count
next roles.sql; next question.sql
i=0; while [ "$i" -lt "$count" ]; do IFS= read -r how; printf %s "$how" >"$i.how"; next "$i.sql"; i=$((i + 1)); done
broken() { printf 'broken %s ' "$1"; tr '\n' ' ' <err | cut -c1-600; exit 0; }
initdb -D /tmp/schema/data -U "$role" -A trust -E UTF8 --no-sync >/dev/null 2>err || broken -
pg_ctl -D /tmp/schema/data -l /tmp/schema/log -t 60 -w -s -o "-c listen_addresses='' -c unix_socket_directories=/tmp/schema -c port=5432 -c fsync=off -c full_page_writes=off -c autovacuum=off -c shared_buffers=16MB -c max_connections=10 -c jit=off" start >/dev/null 2>err || broken -
sql() { psql -X -q -v ON_ERROR_STOP=1 -U "$role" "$@"; }
psql -X -q -U "$role" -d template1 -f roles.sql >/dev/null 2>&1
[ "$database" = postgres ] || createdb -U "$role" -T template0 -E UTF8 -- "$database" 2>err || broken -
i=0; while [ "$i" -lt "$count" ]; do
  if [ "$(cat "$i.how")" = tx ]; then sql -d "$database" -1 -f "$i.sql" >/dev/null 2>err || broken "$i"
  else sql -d "$database" -f "$i.sql" >/dev/null 2>err || broken "$i"; fi
  i=$((i + 1))
done
printf 'answer '; sql -d "$database" -At -f question.sql 2>err || broken -
`;

/** Answers the question in a database in which only these files have run. */
export async function referenceSchema(engine: ChangingEngine, request: ReferenceRequest): Promise<ReferenceSchema> {
  const { image, role, database, roles, files, question } = request;
  const { uid, gid } = await imageUser(engine, image, 'postgres');
  if (uid === 0)
    return {
      ok: false,
      file: undefined,
      message: 'The user postgres of the image is root, and no server runs as root.',
    };
  const result = await runHelper(engine, {
    task: 'reference-schema',
    image,
    user: `${uid}:${gid}`,
    command: ['bash', '-c', referenceSchemaScript],
    stdin: `${[
      ...[role, database].map(oneLine),
      String(files.length),
      base64(roles.map((name) => `CREATE ROLE "${name.replaceAll('"', '""')}";\n`).join('')),
      base64(question),
      ...files.flatMap(({ mode, sql }) => [mode, base64(sql)]),
    ].join('\n')}\n`,
    scratch: '/tmp',
    timeoutMs: 120_000,
    maxBytes: 4 * 2 ** 20,
  });
  const answer = /^answer (.*)$/m.exec(result.stdout)?.[1];
  if (answer !== undefined && answer !== '') return { ok: true, answer };
  const [, at = '-', words = result.stderr.trim().slice(0, 500)] = /^broken (\S+) (.*)$/m.exec(result.stdout) ?? [];
  return { ok: false, file: at === '-' ? undefined : Number(at), message: words.trim() };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
