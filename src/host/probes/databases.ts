import { randomUUID } from 'node:crypto';
import { oneLine } from '../../util/text.ts';
import { safePathOption } from '../../postgres/search-path.ts';
import type { ChangingEngine } from '../docker/client.ts';
import { runHelper } from '../exec.ts';
import type { Instance } from '../instance.ts';
import type { Credentials } from '../postgres/credentials.ts';
import type { BackupProbe, DatabaseProbe, ReferenceRequest, ReferenceSchema } from './types.ts';

/**
 * Connection, names and a word that separates come on stdin: none of them is an argument. Of each answer the end is kept,
 * with the exit status behind it.
 */
const databasesScript = String.raw`
IFS= read -r PGPORT; IFS= read -r PGUSER; IFS= read -r PGPASSWORD; IFS= read -r seconds; IFS= read -r word
export PGPORT PGUSER PGPASSWORD PGHOST=127.0.0.1 PGCONNECT_TIMEOUT=15 PGAPPNAME=problem-registry LC_ALL=C
export PGOPTIONS='-c search_path=${safePathOption} -c lock_timeout=2000'
until=$(($(date +%s) + seconds))
number=0
while IFS= read -r PGDATABASE; do
  export PGDATABASE
  left=$((until - $(date +%s)))
  printf '%s %s\n' "$word" "$number"
  if [ "$left" -gt 0 ]; then
    { timeout "$left" "$@" </dev/null 2>&1; printf '\n%s exit %s\n' "$word" $?; } | tail -c 4096
  fi
  number=$((number + 1))
done
`;

/**
 * Runs one program of the server's own image on one database after the other, in the server's network namespace. The time
 * is for all of them; one that was not reached, or not ended, has no exit status.
 */
async function onEachDatabase(
  engine: ChangingEngine,
  credentials: Credentials,
  instance: Instance,
  databases: readonly string[],
  program: readonly string[],
  timeoutMs: number,
): Promise<readonly DatabaseProbe[]> {
  // libpq would take such a name for a connection string, and connect elsewhere.
  const asked = databases.filter((name) => !/[=\r\n\0]|^postgres(?:ql)?:/.test(name));
  const [password = ''] = await credentials.passwords(instance);
  const seconds = Math.max(1, Math.ceil(timeoutMs / 1000));
  const word = randomUUID();
  const { stdout } = await runHelper(engine, {
    image: instance.container.image,
    command: ['sh', '-c', databasesScript, 'sh', ...program],
    stdin: [...[String(instance.port), instance.user, password, String(seconds), word].map(oneLine), ...asked, ''].join(
      '\n',
    ),
    network: { container: instance.container.id },
    user: '65534:65534',
    timeoutMs: seconds * 1000 + 10_000,
    maxBytes: 4 * 2 ** 20,
  });
  return databases.map((database) => {
    const number = asked.indexOf(database);
    const part = number === -1 ? '' : (stdout.split(`${word} ${number}\n`)[1]?.split(/^\S{36} \d+$/m)[0] ?? '');
    const [text = '', status] = part.split(`\n${word} exit `);
    const exitCode = status === undefined ? undefined : Number.parseInt(status, 10);
    // What `timeout` of GNU and of BusyBox say of a command that they had to end.
    const ended = exitCode !== undefined && exitCode !== 124 && exitCode !== 143;
    return { database, ...(ended ? { exitCode } : {}), text: text.trim() };
  });
}

/**
 * pg_amcheck without `--parent-check`, which would block writes: tables, and indexes with every row of their tables
 * (docs/engineering/corruption.md#amcheck). 0: nothing found; 2: damage, or a refusal of the server; 1: it could not
 * check, as where the extension is not installed.
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

/** A dump that is thrown away: every row of every table is read and made text. 0: all of them could be. */
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
 * The connection comes on stdin, so that neither name nor password is an argument. From PostgreSQL 15 the server itself
 * throws the backup away; an older one sends it here.
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

/** By pg_basebackup of the server's own image, in the server's network namespace: local rules of pg_hba.conf apply. */
export async function baseBackup(
  engine: ChangingEngine,
  credentials: Credentials,
  instance: Instance,
  { timeoutMs = 120_000 }: { readonly timeoutMs?: number } = {},
): Promise<BackupProbe> {
  const [password = ''] = await credentials.passwords(instance);
  const seconds = Math.max(1, Math.ceil(timeoutMs / 1000));
  const { exitCode, stderr } = await runHelper(engine, {
    image: instance.container.image,
    command: ['sh', '-c', baseBackupScript],
    stdin: [String(instance.port), instance.user, password, String(seconds), ''].map(oneLine).join('\n'),
    network: { container: instance.container.id },
    user: '65534:65534',
    timeoutMs: seconds * 1000 + 10_000,
    maxBytes: 16_384,
  });
  if (exitCode === 0) return { result: 'done', message: '' };
  // What `timeout` of GNU and of BusyBox say of a command that they had to end.
  if (exitCode === 124 || exitCode === 143) return { result: 'refused', message: `no end within ${seconds} s` };
  return { result: couldNotBegin(stderr) ? 'refused' : 'failed', message: stderr.trim().slice(0, 1_000) };
}

/** A login, a rule or a setting stands in the way: nothing is said about the files. */
function couldNotBegin(message: string): boolean {
  if (message.includes('Permission denied')) return false;
  return /connection to server|no pg_hba\.conf entry|authentication failed|WAL level not sufficient|max_wal_senders|must be superuser|permission denied to (?:start|use)|pg_basebackup: not found/.test(
    message,
  );
}

/**
 * A server of our own, empty, without a network, on a throw-away volume: the files are run in it as they were meant to
 * be, and then it is asked. It and everything that reads the files run as postgres.
 */
const referenceSchemaScript = String.raw`
set -u
export HOME=/scratch TMPDIR=/scratch PGHOST=/scratch LC_MESSAGES=C PGCONNECT_TIMEOUT=30 PGAPPNAME=problem-registry
unset PGPASSWORD PGUSER PGDATABASE PGPORT PGDATA POSTGRES_PASSWORD
umask 077
cd /scratch || exit 1
next() { IFS= read -r line; printf %s "$line" | base64 -d >"$1"; }
IFS= read -r role; IFS= read -r database; IFS= read -r count
next roles.sql; next question.sql
i=0; while [ "$i" -lt "$count" ]; do IFS= read -r how; printf %s "$how" >"$i.how"; next "$i.sql"; i=$((i + 1)); done
chown -R postgres: /scratch || exit 1
if command -v gosu >/dev/null; then as() { gosu postgres "$@"; }
elif command -v su-exec >/dev/null; then as() { su-exec postgres "$@"; }
else as() { setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }; fi
broken() { printf 'broken %s ' "$1"; tr '\n' ' ' <err | cut -c1-600; exit 0; }
as initdb -D /scratch/data -U "$role" -A trust -E UTF8 --no-sync >/dev/null 2>err || broken -
as pg_ctl -D /scratch/data -l /scratch/log -t 60 -w -s -o "-c listen_addresses='' -c unix_socket_directories=/scratch -c port=5432 -c fsync=off -c full_page_writes=off -c autovacuum=off -c shared_buffers=16MB -c max_connections=10 -c jit=off" start >/dev/null 2>err || broken -
sql() { as psql -X -q -v ON_ERROR_STOP=1 -U "$role" "$@"; }
as psql -X -q -U "$role" -d template1 -f roles.sql >/dev/null 2>&1
[ "$database" = postgres ] || as createdb -U "$role" -T template0 -E UTF8 -- "$database" 2>err || broken -
i=0; while [ "$i" -lt "$count" ]; do
  if [ "$(cat "$i.how")" = tx ]; then sql -d "$database" -1 -f "$i.sql" >/dev/null 2>err || broken "$i"
  else sql -d "$database" -f "$i.sql" >/dev/null 2>err || broken "$i"; fi
  i=$((i + 1))
done
printf 'answer '; sql -d "$database" -At -f question.sql 2>err || broken -
`;

/** What the question is answered by a database that these files, and nothing else, have been run in. */
export async function referenceSchema(engine: ChangingEngine, request: ReferenceRequest): Promise<ReferenceSchema> {
  const { image, role, database, roles, files, question } = request;
  const result = await runHelper(engine, {
    image,
    command: ['bash', '-c', referenceSchemaScript],
    stdin: `${[
      ...[role, database].map(oneLine),
      String(files.length),
      base64(roles.map((name) => `CREATE ROLE "${name.replaceAll('"', '""')}";\n`).join('')),
      base64(question),
      ...files.flatMap(({ mode, sql }) => [mode, base64(sql)]),
    ].join('\n')}\n`,
    scratch: '/scratch',
    capabilities: ['CHOWN', 'FOWNER', 'DAC_OVERRIDE', 'SETUID', 'SETGID'],
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
