import type { ChangingEngine } from '../docker/client.ts';
import { execIn } from '../exec.ts';
import type { Instance } from '../instance.ts';

/** A line a process: its private memory in kB, then its title. */
const script = String.raw`
for folder in /proc/[0-9]*; do
  memory=$(sed -n 's/^RssAnon:[[:space:]]*\([0-9]*\) kB$/\1/p' "$folder/status" 2>/dev/null)
  [ -n "$memory" ] && printf '%s %s\n' "$memory" "$(tr '\0' ' ' <"$folder/cmdline" 2>/dev/null)"
done`;

/**
 * Private memory (RssAnon, bytes, ascending) of every process that serves a session. RSS would count shared buffers too,
 * once for each of them. PGOPS §2.4.
 */
export async function backends(engine: ChangingEngine, { container }: Instance): Promise<readonly number[]> {
  const { stdout } = await execIn(engine, container.id, {
    command: ['sh', '-c', script],
    timeoutMs: 30_000,
    maxBytes: 2 ** 20,
  });
  return stdout
    .split('\n')
    .flatMap((line) => {
      const [, memory = '', title = ''] = /^(\d+) (.*)$/.exec(line) ?? [];
      return servesSession(title) ? [Number(memory) * 1024] : [];
    })
    .sort((a, b) => a - b);
}

/** `postgres: user database [local] idle`, `postgres: cluster: user database 10.0.0.2(40112) SELECT`. */
function servesSession(title: string): boolean {
  return (
    title.startsWith('postgres: ') &&
    !/^postgres: (?:[^ ]+: )?walsender /.test(title) &&
    /\[local\]|\(\d+\)/.test(title)
  );
}
