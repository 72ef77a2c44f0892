import type { ChangingEngine } from '../docker/client.ts';
import { execIn } from '../exec.ts';
import type { Instance } from '../instance.ts';
import type { MemoryUse } from './types.ts';

/** `name value` lines, whichever version of control groups the machine has; then /dev/shm by df, in KiB. */
const script = String.raw`
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

/** What the container's control group counts. The counters begin anew with each start of the container. */
export async function memoryUse(engine: ChangingEngine, { container }: Instance): Promise<MemoryUse | undefined> {
  const { stdout } = await execIn(engine, container.id, {
    command: ['sh', '-c', script],
    timeoutMs: 15_000,
    maxBytes: 16_384,
  });
  return memoryUseOf(stdout);
}

/** Undefined where the counters are not there to be read. */
export function memoryUseOf(printed: string): MemoryUse | undefined {
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
    // `max`, or all that 64 bits can say in whole pages.
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
