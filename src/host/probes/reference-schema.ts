import type { ChangingEngine } from '../docker/client.ts';
import { runHelper } from '../exec.ts';
import type { ReferenceRequest, ReferenceSchema } from './types.ts';

/**
 * A server of our own, empty, without a network, on a throw-away volume: the files are run in it as they were meant to
 * be, and then it is asked. It and everything that reads the files run as postgres.
 */
const script = String.raw`
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
    command: ['bash', '-c', script],
    stdin: `${[
      ...[role, database].map((name) => name.replaceAll(/[\r\n\0]/g, '')),
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
