import type { ChangingEngine } from '../docker/client.ts';
import { runHelper } from '../exec.ts';
import type { Instance } from '../instance.ts';
import type { FileSettings } from './types.ts';

/** The options are the container's own; names come on stdin. */
const script = String.raw`
while IFS= read -r name; do
  value=$(postgres "$@" -C "$name") || exit 1
  printf '%s=%s\n' "$name" "$value"
done
`;

/**
 * What a server would take its settings to be at its next start, by `postgres -C` of its own image on its own files and
 * with its container's own options: also of a server that cannot start. Only what is written somewhere; what the server
 * reckons itself, such as `shared_memory_size`, would need a lock file in the data. `candidates` go before all of it.
 */
export async function fileSettings(
  engine: ChangingEngine,
  { container, dataDirectory }: Instance,
  names: readonly string[],
  candidates: Readonly<Record<string, string>> = {},
): Promise<FileSettings> {
  const { exitCode, stdout, stderr } = await runHelper(engine, {
    image: container.image,
    command: [
      'sh',
      '-c',
      script,
      'sh',
      '-D',
      dataDirectory,
      ...serverOptions(container.command),
      ...options(candidates),
    ],
    mounts: container.mounts
      .filter(({ type }) => type === 'volume' || type === 'bind')
      .map(({ type, name, source, destination }) => ({
        type: type === 'volume' ? 'volume' : 'bind',
        source: name || source,
        target: destination,
        readonly: true,
      })),
    // By its name: the numbers are the image's.
    user: /^(?:root|0)?(?::|$)/.test(container.user) ? 'postgres' : container.user,
    stdin: `${names.filter((name) => /^[a-z_]{1,63}$/.test(name)).join('\n')}\n`,
    timeoutMs: 30_000,
    maxBytes: 65_536,
  });
  if (exitCode !== 0) return { ok: false, message: stderr.trim().slice(0, 1_000) };
  const lines = stdout.split('\n').filter((line) => line.includes('='));
  return {
    ok: true,
    values: Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    ),
  };
}

function options(candidates: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(candidates).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** What stands behind the server's name on a container's command line. */
function serverOptions(command: readonly string[]): readonly string[] {
  const at = command.findIndex((word) => word === 'postgres' || word.endsWith('/postgres'));
  return at === -1
    ? command.filter((_, index) => command[0]?.startsWith('-') === true || index > 0)
    : command.slice(at + 1);
}
