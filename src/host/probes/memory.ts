import { oneLine } from '../../util/text.ts';
import { createReaders, readAsOwner } from '../../postgres/as-owner.ts';
import { safePathOption } from '../../postgres/search-path.ts';
import type { ChangingEngine } from '../docker/client.ts';
import { execIn, runHelper } from '../exec.ts';
import type { Instance } from '../instance.ts';
import type { Credentials } from '../postgres/credentials.ts';
import type { MemoryLoad, MemoryLoadOptions, MemoryUse } from './types.ts';

/** Prints lines of `name value`, for both versions of control groups, and the size of /dev/shm in KiB. */
const memoryUseScript = String.raw`
if [ -r /sys/fs/cgroup/memory.current ]; then
  cd /sys/fs/cgroup
  echo "usage $(cat memory.current)"
  echo "limit $(cat memory.max)"
  echo "peak $(cat memory.peak 2>/dev/null || echo 0)"
  grep -E '^(inactive_file|anon|shmem) ' memory.stat
  grep -E '^oom_kill ' memory.events
else
  cd /sys/fs/cgroup/memory
  echo "usage $(cat memory.usage_in_bytes)"
  echo "limit $(cat memory.limit_in_bytes)"
  echo "peak $(cat memory.max_usage_in_bytes)"
  sed -n 's/^total_inactive_file /inactive_file /p; s/^total_rss /anon /p; s/^total_shmem /shmem /p' memory.stat
  grep -E '^oom_kill ' memory.oom_control
fi
df -P -k /dev/shm | sed -n '2s/^[^ ]* *\([0-9]*\) *\([0-9]*\) .*/shm_size \1\nshm_used \2/p'
`;

/** The counters of the container's control group, which start at zero each time the container starts. */
export async function memoryUse(engine: ChangingEngine, { container }: Instance): Promise<MemoryUse | undefined> {
  const { stdout } = await execIn(engine, container.id, {
    command: ['sh', '-c', memoryUseScript],
    timeoutMs: 15_000,
    maxBytes: 16_384,
  });
  return parseMemoryUse(stdout);
}

/** Undefined if there are no counters. */
export function parseMemoryUse(printed: string): MemoryUse | undefined {
  const values = new Map(
    printed
      .split('\n')
      .map((line) => line.split(' '))
      .map(([name = '', value = '']) => [name, /^\d{1,19}$/.test(value) ? Number(value) : undefined]),
  );
  const usage = values.get('usage');
  if (usage === undefined) return undefined;
  const limit = values.get('limit');
  return {
    usage,
    // `max`, or the largest number of whole pages in 64 bits.
    limit: limit === undefined || limit > 2 ** 60 ? 0 : limit,
    peak: values.get('peak') ?? 0,
    inactiveFile: values.get('inactive_file') ?? 0,
    anonymous: values.get('anon') ?? 0,
    shared: values.get('shmem') ?? 0,
    oomKills: values.get('oom_kill') ?? 0,
    shmSize: (values.get('shm_size') ?? 0) * 1024,
    shmUsed: (values.get('shm_used') ?? 0) * 1024,
  };
}

const tablesToRead = "FROM pg_catalog.pg_class AS o WHERE o.relkind IN ('r', 'm') AND o.relpersistence = 'p'";

/**
 * Reads as much of the largest tables into shared_buffers as fits within 40 seconds: by ranges of rows, since a plain scan of
 * a large table uses only a small ring of buffers. Then pgbench sorts and hashes more than work_mem holds, in several
 * clients at once: each once, and then for the requested time. Transactions are READ ONLY: only temporary files are written.
 */
const memoryLoadScript = String.raw`
IFS= read -r PGPORT; IFS= read -r PGUSER; IFS= read -r PGDATABASE; IFS= read -r PGPASSWORD
IFS= read -r clients; IFS= read -r seconds; IFS= read -r rows
export PGPORT PGUSER PGDATABASE PGPASSWORD PGHOST=127.0.0.1 PGCONNECT_TIMEOUT=10 PGAPPNAME=problem-registry LC_ALL=C
export PGOPTIONS='-c search_path=${safePathOption} -c default_transaction_read_only=on -c lock_timeout=2s -c enable_seqscan=off -c max_parallel_workers_per_gather=0'
timeout 40 psql -X -q -A -t >/dev/null <<'SQL' || [ $? -eq 124 ] || exit 1
${createReaders(tablesToRead)}
\set ON_ERROR_STOP off
\set ON_ERROR_ROLLBACK on
BEGIN READ ONLY;
SELECT ${readAsOwner(`format('SELECT pg_catalog.json_build_array(pg_catalog.count(*)) FROM ONLY %I.%I WHERE ctid OPERATOR(pg_catalog.>=) ''(0,0)''::pg_catalog.tid', n.nspname, o.relname)`)}
FROM (SELECT o.*, sum(pg_relation_size(o.oid)) OVER (ORDER BY pg_relation_size(o.oid) DESC, o.oid) - pg_relation_size(o.oid) AS before
  ${tablesToRead}) AS o JOIN pg_namespace AS n ON n.oid = o.relnamespace
WHERE o.before < (SELECT setting::bigint * 8192 FROM pg_settings WHERE name = 'shared_buffers')
ORDER BY o.before LIMIT 20 \gexec
ROLLBACK;
SQL
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

/** Runs pgbench of the server's image in the server's network namespace, so the local rules of pg_hba.conf apply. */
export async function memoryLoad(
  engine: ChangingEngine,
  credentials: Credentials,
  instance: Instance,
  { clients, seconds, rows }: MemoryLoadOptions,
): Promise<MemoryLoad> {
  const [password = ''] = await credentials.passwords(instance);
  const { exitCode, stdout, stderr } = await runHelper(engine, {
    task: 'load',
    image: instance.container.image,
    command: ['sh', '-c', memoryLoadScript],
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
      .map(oneLine)
      .join('\n'),
    network: { container: instance.container.id },
    timeoutMs: seconds * 1000 + 175_000,
    maxBytes: 16_384,
  });
  const counts = [...stdout.matchAll(/transactions actually processed: (\d+)/g)].map(([, count]) => Number(count));
  const transactions = counts.reduce((sum, count) => sum + count, 0);
  return { ok: exitCode === 0, transactions, message: exitCode === 0 ? '' : stderr.trim().slice(0, 1_000) };
}
