import type { ChangingEngine } from '../docker/client.ts';
import { execIn } from '../exec.ts';
import type { Instance } from '../instance.ts';

/** The file system that holds the data, in bytes; undefined where it cannot be asked. */
export async function dataSpace(
  engine: ChangingEngine,
  { container, dataDirectory }: Instance,
): Promise<{ readonly size: number; readonly free: number } | undefined> {
  const { stdout } = await execIn(engine, container.id, {
    command: ['df', '-P', '-k', dataDirectory],
    timeoutMs: 15_000,
    maxBytes: 4_096,
  });
  // The name of the file system may hold blanks, so from the first numbers on.
  const [, size, free] = /\s(\d+)\s+\d+\s+(\d+)\s+\d+%\s/.exec(stdout.split('\n')[1] ?? '') ?? [];
  return size === undefined || free === undefined
    ? undefined
    : { size: Number(size) * 1024, free: Number(free) * 1024 };
}
