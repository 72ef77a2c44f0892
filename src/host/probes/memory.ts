import type { ChangingEngine } from '../docker/client.ts';
import { runHelper } from '../exec.ts';
import type { Instance } from '../instance.ts';
import type { Credentials } from '../postgres/credentials.ts';
import { ownOption } from '../postgres/client.ts';
import type { MemoryLoad, MemoryLoadOptions } from './types.ts';

/**
 * First as much of the largest tables is read into shared_buffers as goes in within 40 seconds: by ranges of rows, since a plain scan of a
 * large table passes through a small ring of buffers. Then pgbench sorts and hashes more than work_mem holds, from several
 * clients at once: once each, and then for as long as is asked. Everything runs in READ ONLY transactions: temporary files are all that is written.
 */
const script = String.raw`
IFS= read -r PGPORT; IFS= read -r PGUSER; IFS= read -r PGDATABASE; IFS= read -r PGPASSWORD
IFS= read -r clients; IFS= read -r seconds; IFS= read -r rows
export PGPORT PGUSER PGDATABASE PGPASSWORD PGHOST=127.0.0.1 PGCONNECT_TIMEOUT=10 PGAPPNAME=problem-registry LC_ALL=C
export PGOPTIONS='-c search_path=${ownOption} -c default_transaction_read_only=on -c lock_timeout=2s -c enable_seqscan=off -c max_parallel_workers_per_gather=0'
{
  echo "SELECT format('SELECT count(*) FROM %s WHERE ctid >= ''(0,0)''::tid', oid::regclass)
    FROM (SELECT oid, sum(pg_relation_size(oid)) OVER (ORDER BY pg_relation_size(oid) DESC, oid) - pg_relation_size(oid) AS sum
      FROM pg_class WHERE relkind IN ('r', 'm') AND relpersistence = 'p') AS tables
    WHERE sum < (SELECT setting::bigint * 8192 FROM pg_settings WHERE name = 'shared_buffers')
    ORDER BY sum LIMIT 20 \gexec"
} | timeout 40 psql -X -q -A -t >/dev/null || [ $? -eq 124 ] || exit 1
load() {
  {
    echo 'begin read only;'
    echo "select count(*) from (select md5(n::text) as t from generate_series(1, $rows) as n order by t) as sorted;"
    echo "select count(*) from generate_series(1, $rows) as a (n) join generate_series(1, $rows) as b (n) on md5(a.n::text) = md5(b.n::text);"
    echo 'commit;'
  } | timeout "$((seconds + 60))" pgbench -n -c "$clients" -j 2 "$@" -f -
}
load -t 1 && { [ "$seconds" -eq 0 ] || load -T "$seconds"; }
`;

/** By pgbench of the server's own image, in the server's network namespace: local rules of pg_hba.conf apply. */
export async function memoryLoad(
  engine: ChangingEngine,
  credentials: Credentials,
  instance: Instance,
  { clients, seconds, rows }: MemoryLoadOptions,
): Promise<MemoryLoad> {
  const [password = ''] = await credentials.passwords(instance);
  const { exitCode, stdout, stderr } = await runHelper(engine, {
    image: instance.container.image,
    command: ['sh', '-c', script],
    stdin: [
      String(instance.port),
      instance.user,
      instance.database,
      password,
      String(clients),
      String(seconds),
      String(rows),
      '',
    ]
      .map((line) => line.replaceAll(/[\r\n\0]/g, ''))
      .join('\n'),
    network: { container: instance.container.id },
    user: '65534:65534',
    timeoutMs: seconds * 1000 + 175_000,
    maxBytes: 16_384,
  });
  const counts = [...stdout.matchAll(/transactions actually processed: (\d+)/g)].map(([, count]) => Number(count));
  const transactions = counts.reduce((sum, count) => sum + count, 0);
  return { ok: exitCode === 0, transactions, message: exitCode === 0 ? '' : stderr.trim().slice(0, 1_000) };
}
