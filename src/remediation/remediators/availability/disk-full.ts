import { readableSize } from '../../../postgres/tuning/index.ts';
import type { DiskUse } from '../../../host/probes/types.ts';
import type { Instance } from '../../../host/instance.ts';
import type { ReadonlyHost, Refusal } from '../../contract.ts';
import { refusal } from '../../shared/for-each-instance.ts';
import { adviceFor } from './start-causes.ts';

/** Whether a server does not start because nothing more fits on its disk. */
export function isDiskFull(obstacle: string): boolean {
  return /No space left on device/.test(obstacle);
}

/** What fills the disk of a server that is down. What may go is for its owner to say, and WAL never is. */
export async function refuseDiskFull(instance: Instance, obstacle: string, host: ReadonlyHost): Promise<Refusal> {
  const { name } = instance.container;
  const use = await host.probes.diskUse(instance).catch(() => undefined);
  const reason = `${instance.name} would not start: ${obstacle}.`;
  if (use === undefined) return refusal(reason, adviceFor(obstacle, name) ?? `Run \`docker start ${name}\`.`);
  return refusal(
    `${reason} Of its disk, ${readableSize(use.free)} of ${readableSize(use.size)} are free.`,
    `${wordsOf(use)} Free space outside the data directory, or enlarge the disk; never delete files in pg_wal or base. ${whatMayGo(use)}Then run \`docker start ${name}\`.`,
  );
}

const names: Readonly<Record<string, string>> = {
  base: 'databases (base)',
  pg_wal: 'WAL (pg_wal)',
  log: 'server logs (log)',
  pg_log: 'server logs (pg_log)',
};

/** The largest first. */
function wordsOf({ size, free, folders }: DiskUse): string {
  const own = Object.keys(names).map((folder) => [names[folder] ?? folder, folders[folder] ?? 0] as const);
  const rest = size - free - own.reduce((sum, [, bytes]) => sum + bytes, 0);
  const all = [...own, ['everything else on the disk', Math.max(0, rest)] as const]
    .filter(([, bytes]) => bytes > 0)
    .toSorted(([, a], [, b]) => b - a);
  return `On it are ${all.map(([what, bytes]) => `${what}: ${readableSize(bytes)}`).join(', ')}.`;
}

function whatMayGo({ folders, waiting, slots }: DiskUse): string {
  const logs = ['log', 'pg_log'].filter((folder) => (folders[folder] ?? 0) > 0);
  return [
    ...logs.map((folder) => `Old files in ${folder} of the data directory may go. `),
    ...(slots.length === 0
      ? []
      : [`WAL is kept for the replication slot ${slots.join(', ')}: if its reader is gone, drop it after the start. `]),
    ...(waiting === 0
      ? []
      : [`${waiting} WAL files wait for the archive: find out why archive_command fails; they go once it succeeds. `]),
    ...((folders['base/pgsql_tmp'] ?? 0) > 64 * 2 ** 20
      ? [
          `The server itself removes ${readableSize(folders['base/pgsql_tmp'] ?? 0)} of temporary files when it starts. `,
        ]
      : []),
  ].join('');
}
