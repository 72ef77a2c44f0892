import { posix } from 'node:path';
import type { ChangingEngine } from '../docker/client.ts';
import { runHelper } from '../exec.ts';
import type { Instance } from '../instance.ts';
import { spaceIn } from './files.ts';
import type { DiskUse } from './types.ts';

/** What the size of each folder of a data directory tells; `pg_wal` may be a link to another disk. */
const folders = ['base', 'pg_wal', 'log', 'pg_log', 'base/pgsql_tmp', 'pg_replslot'] as const;

/** Its argument is the data directory. */
const script = String.raw`
cd -- "$1" || exit 1
df -P -k . | tail -n 1
for folder in ${folders.join(' ')}; do
  [ ! -d "$folder" ] || [ -L "$folder" ] || du -skx "$folder"
done
echo "ready $(ls pg_wal/archive_status 2>/dev/null | grep -c '\.ready$')"
ls pg_replslot 2>/dev/null | sed 's/^/slot /'
`;

/** The disk with the data of an instance, which need not run; undefined if its data is not in a volume or folder. */
export async function diskUse(
  engine: ChangingEngine,
  { container, dataMount, dataDirectory }: Instance,
): Promise<DiskUse | undefined> {
  if (dataMount === undefined || (dataMount.type !== 'volume' && dataMount.type !== 'bind')) return undefined;
  const folder = posix.join('/surveyed', posix.relative(dataMount.destination, dataDirectory));
  const { stdout } = await runHelper(engine, {
    task: 'survey',
    image: container.image,
    command: ['sh', '-c', script, 'sh', folder],
    mounts: [{ type: dataMount.type, source: dataMount.name || dataMount.source, target: '/surveyed', readonly: true }],
    timeoutMs: 60_000,
    maxBytes: 65_536,
  });
  return parseDiskUse(stdout);
}

/** Undefined if df does not tell. */
export function parseDiskUse(printed: string): DiskUse | undefined {
  const lines = printed.split('\n');
  const space = spaceIn(lines[0] ?? '');
  if (space === undefined) return undefined;
  const sizes = lines.flatMap((line) => {
    const [, kilobytes, folder = ''] = /^(\d+)\s+(\S+)$/.exec(line) ?? [];
    return kilobytes === undefined ? [] : [[folder, Number(kilobytes) * 1_024] as const];
  });
  return {
    ...space,
    folders: Object.fromEntries(sizes),
    waiting: Number(/^ready (\d+)$/m.exec(printed)?.[1] ?? 0),
    slots: lines.flatMap((line) => /^slot ([a-z0-9_]{1,63})$/.exec(line)?.[1] ?? []),
  };
}
