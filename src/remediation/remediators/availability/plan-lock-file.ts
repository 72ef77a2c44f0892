import { hash } from 'node:crypto';
import type { Instance } from '../../../host/instance.ts';
import type { Finding, Plan, ReadonlyHost, Refusal } from '../../contract.ts';
import { getString } from '../../../util/json.ts';
import { shellQuote } from '../../../util/quote.ts';
import {
  changeAndStart,
  dataFile,
  lockFile,
  namesNoProcess,
  otherUser,
  serverInLockFile,
} from '../../shared/data-directory.ts';
import { planOn, refusal } from '../../shared/for-each-instance.ts';
import type { AvailabilityDetails, AvailabilityExpected } from './types.ts';

/** Whether the server does not start because of its lock file: it names no process, or one that another program has now. */
export function isLockFileLeft(obstacle: string): boolean {
  return /lock file "postmaster\.pid" (?:is empty|already exists)|bogus data in lock file "postmaster\.pid"/.test(
    obstacle,
  );
}

/**
 * Renames a lock file that no server owns, and starts the server. Proven is that for a file without a process by its age: a running
 * server stops within a minute if its lock file does not name it. For a file with a process by the log of the container: its own
 * server has written it, in an earlier run, whose processes have all ended.
 */
export async function planLockFile(
  finding: Finding<AvailabilityDetails>,
  instance: Instance,
  host: ReadonlyHost,
): Promise<Plan<AvailabilityExpected> | Refusal> {
  const { container, dataMount, dataDirectory } = instance;
  const { name } = container;
  const text = await dataFile(host, instance, lockFile);
  const server = text === undefined ? undefined : serverInLockFile(text);
  if (
    text === undefined ||
    !(namesNoProcess(text) || (server !== undefined && /already exists/.test(finding.details.obstacle)))
  )
    return refusal(
      `${lockFile} of ${name} is not as the log says any more.`,
      `If nothing else uses the data, run \`docker start ${name}\`. Otherwise run \`problems detect\` again.`,
    );
  if (dataMount === undefined)
    return refusal(
      `The data of ${name} is in the container itself, so no other container can rename ${lockFile} there.`,
      `A crash of the machine has left the lock file; the data is not damaged by that. Run: docker cp ${name}:${dataDirectory} ./copy-of-${name}, and start an instance with a volume on the copy without its ${lockFile}.`,
    );
  const other = await otherUser(instance, host);
  if (other !== undefined)
    return refusal(
      `${other.name} is running on the data of ${name}, so ${lockFile} may be its own.`,
      `Find out which of the two is the right one, then stop the other, for example: docker stop ${other.name}`,
    );
  if (server !== undefined && !(await hasWritten(instance, server, host)))
    return refusal(
      `${lockFile} of ${name} names process ${server.pid}, started ${timeOf(server.started)}. The log of ${name} does not show that its own server was that process, so one outside may be.`,
      `Look for a server on the data: \`docker ps\` with the mounts of each container, and \`ps -eo pid,lstart,comm | grep postgres\` on the machine. If there is none, rename the file: docker run --rm --network none --user 0:0 --entrypoint mv --volumes-from ${name} ${shellQuote(container.imageName)} ${dataDirectory}/${lockFile} ${dataDirectory}/${lockFile}.old. Then run \`docker start ${name}\`.`,
    );
  const aside = await freeName(instance, host);
  if (aside === undefined)
    return refusal(
      `${dataDirectory} holds many files named ${lockFile}.pgops-old- already.`,
      'Find out why the machine crashes so often, and remove these files.',
    );
  const left = server === undefined ? 'empty' : 'old';
  return {
    ...planOn(finding, instance),
    summary: `Rename the ${left} ${lockFile} that a crash has left, and start ${instance.name}.`,
    done: `${instance.name} started after its ${left} ${lockFile} was renamed`,
    steps: changeAndStart(instance, [
      {
        action: 'lock-file.set-aside',
        params: {
          instance: instance.name,
          name: aside,
          sha256: hash('sha256', text),
          ...(server === undefined ? {} : { writtenIn: container.id }),
        },
        why:
          server === undefined
            ? 'The server writes a new one. A file that is minutes old and names no process belongs to no server.'
            : `The server writes a new one. By its log, the server of ${name} itself was process ${server.pid} from ${timeOf(server.started)} on, and the container has been started again since: another program has that number now.`,
      },
    ]),
    leftovers: [
      {
        object: `${dataDirectory}/${aside}`,
        why: 'The old lock file. Nothing reads it.',
        command: `docker exec ${name} rm ${dataDirectory}/${aside}`,
      },
    ],
    risk: 'data',
    downtime: { seconds: 0, why: 'it is down already' },
    unpredictable: ['Recovery after a crash takes as long as the WAL since the last checkpoint needs.'],
    undo: 'Stops the container again, and gives the lock file its name back.',
    expected: { container: container.id },
  };
}

async function freeName(instance: Instance, host: ReadonlyHost): Promise<string | undefined> {
  for (let number = 1; number < 100; number += 1) {
    const name = `${lockFile}.pgops-old-${number}`;
    if ((await dataFile(host, instance, name)) === undefined) return name;
  }
  return undefined;
}

/** How long a server takes from its start to its first line, and how far the clocks of the two may differ, in seconds. */
const firstLine = { before: 2, after: 20 } as const;

/** Whether the log of the container shows this server in an earlier run. A run has its own numbers of processes. */
async function hasWritten(
  { container }: Instance,
  { pid, started }: { readonly pid: number; readonly started: number },
  host: ReadonlyHost,
): Promise<boolean> {
  if (
    Date.parse(container.state.startedAt) <= started * 1_000 ||
    getString(container.inspect, 'HostConfig', 'PidMode') !== ''
  )
    return false;
  const since = timeOf(started - firstLine.before);
  const lines = await host.docker.logs(container.id, { since, tail: 20_000 }).catch(() => []);
  return lines.some(({ at, text }) => {
    const seconds = Date.parse(at) / 1_000 - started;
    const isNear = seconds >= -firstLine.before && seconds <= firstLine.after;
    return isNear && text.includes(`[${pid}]`);
  });
}

function timeOf(seconds: number): string {
  return new Date(seconds * 1_000).toISOString();
}
