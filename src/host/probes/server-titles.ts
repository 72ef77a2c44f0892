import type { ChangingEngine } from '../docker/client.ts';
import { execIn } from '../exec.ts';
import type { Instance } from '../instance.ts';

const script = `cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n'`;

/** Of the server's processes, sorted: what can still be read when nobody gets a session. Titles hold no queries. */
export async function serverTitles(engine: ChangingEngine, { container }: Instance): Promise<readonly string[]> {
  const { stdout } = await execIn(engine, container.id, {
    command: ['sh', '-c', script],
    timeoutMs: 15_000,
    maxBytes: 2 ** 20,
  });
  return stdout
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('postgres: '))
    .sort();
}
