import { hash } from 'node:crypto';
import type { Instance } from '../../../host/instance.ts';
import type { Finding, Plan, ReadonlyHost, Refusal } from '../../contract.ts';
import { changeAndStart, dataFile, lockFile, namesNoProcess, otherUser } from '../../shared/data-directory.ts';
import { refusal } from '../../shared/for-each-instance.ts';
import type { AvailabilityDetails, AvailabilityExpected } from './types.ts';

/** Whether the server does not start because its lock file names no process. */
export function isLockFileEmpty(obstacle: string): boolean {
  return /(?:lock file "postmaster\.pid" is empty|bogus data in lock file "postmaster\.pid")/.test(obstacle);
}

/**
 * Renames a lock file that a power loss has left, and starts the server. The step proves that no server owns the file: it is
 * minutes old, and a running server stops within a minute if its lock file does not name it.
 */
export async function planLockFile(
  finding: Finding<AvailabilityDetails>,
  instance: Instance,
  host: ReadonlyHost,
): Promise<Plan<AvailabilityExpected> | Refusal> {
  const { container, dataMount, dataDirectory } = instance;
  const { name } = container;
  const text = await dataFile(host, instance, lockFile);
  if (text === undefined || !namesNoProcess(text))
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
  const aside = await freeName(instance, host);
  if (aside === undefined)
    return refusal(
      `${dataDirectory} holds many files named ${lockFile}.pgops-old- already.`,
      'Find out why the machine crashes so often, and remove these files.',
    );
  return {
    type: 'plan',
    remediator: finding.remediator,
    finding,
    target: { instance: instance.name, container: container.id, volumes: [instance.volumeKey] },
    summary: `Rename the empty ${lockFile} that a crash has left, and start ${instance.name}.`,
    done: `${instance.name} started after its empty ${lockFile} was renamed`,
    steps: changeAndStart(instance, [
      {
        action: 'lock-file.set-aside',
        params: { instance: instance.name, name: aside, sha256: hash('sha256', text) },
        why: 'The server writes a new one. A file that is minutes old and names no process belongs to no server.',
      },
    ]),
    cleanup: [],
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
