import { hash } from 'node:crypto';
import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import type { Instance } from '../../host/instance.ts';
import { containerOnSameData } from '../../host/instances.ts';
import type { Action, ReadonlyHost } from '../contract.ts';
import { operations } from '../operations.ts';
import { dataFile, lockFile, namesNoProcess } from '../shared/data-directory.ts';
import { renameDataFile, settled } from './data-file.ts';
import { requireInstance, requireStopped } from './setting.ts';

/**
 * A running server reads its lock file every minute, and stops when the file is not its own. So a file without a process id
 * that is this old belongs to no server on any machine (docs/engineering/data-directory.md#an-empty-lock-file).
 */
const leastAgeSeconds = 300;

const params = z.strictObject({
  instance: z.string(),
  /** The new name, in the same folder. */
  name: z.string().regex(/^postmaster\.pid\.pgops-old-\d{1,2}$/),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** The container whose server has written it, by its log. Its processes end when it stops. Default: it names no process. */
  writtenIn: z.string().exactOptional(),
});

const before = z.strictObject({ text: z.string() });

export const lockFileSetAside: Action<z.output<typeof params>, z.output<typeof before>> = {
  name: 'lock-file.set-aside',
  description:
    'Renames the lock file of a server that is stopped, if no other container uses the data, and it either names no process and is at least five minutes old, or was written by a server of this container. Undo gives it back its name.',
  params,
  undoState: before,
  operation: operations['set-lock-file-aside'],
  describe: ({ instance, name }) => `rename ${lockFile} of ${instance} to ${name}`,
  async effect({ instance, name }) {
    return [{ object: `${instance}: ${lockFile}`, before: lockFile, after: name }];
  },
  async prepare({ instance, name, sha256, writtenIn }, host) {
    const found = await requireInstance(host, instance);
    const text = (await dataFile(host, found, lockFile)) ?? (await dataFile(host, found, name));
    if (text === undefined || hash('sha256', text) !== sha256) throw changed(found);
    const isProven = writtenIn === undefined ? namesNoProcess(text) : writtenIn === found.container.id;
    if (!isProven) throw changed(found);
    return { text };
  },
  async isDone({ instance, name, sha256 }, host) {
    const found = await requireInstance(host, instance);
    await settled(host, found);
    return hashOf(await dataFile(host, found, name)) === sha256;
  },
  async apply({ instance, name, sha256, writtenIn }, host) {
    const found = await requireStopped(host, instance);
    if (writtenIn !== undefined && writtenIn !== found.container.id) throw changed(found);
    await settled(host, found);
    const text = await dataFile(host, found, lockFile);
    if (hashOf(await dataFile(host, found, name)) === sha256) return;
    if (text === undefined || hash('sha256', text) !== sha256) throw changed(found);
    await requireAlone(host, found);
    await renameDataFile(host, found, {
      from: lockFile,
      to: name,
      text,
      leastAgeSeconds: writtenIn === undefined ? leastAgeSeconds : 0,
    });
  },
  async undo({ instance, name }, { text }, host) {
    const found = await requireInstance(host, instance);
    await settled(host, found);
    if ((await dataFile(host, found, name)) === undefined) return;
    await requireAlone(host, await requireStopped(host, instance));
    await renameDataFile(host, found, { from: name, to: lockFile, text, leastAgeSeconds: 0 });
  },
  async isUndone({ instance, name, sha256 }, _before, host) {
    const found = await requireInstance(host, instance);
    await settled(host, found);
    return (
      (await dataFile(host, found, name)) === undefined && hashOf(await dataFile(host, found, lockFile)) === sha256
    );
  },
};

function hashOf(text: string | undefined): string | undefined {
  return text === undefined ? undefined : hash('sha256', text);
}

async function requireAlone(host: ReadonlyHost, { container }: Instance): Promise<void> {
  const other = containerOnSameData(container, await host.docker.containers());
  if (other !== undefined)
    throw new ProblemsError('step-refused', `${other.name} is running on the data of ${container.name}.`);
}

function changed({ container }: Instance): ProblemsError {
  return new ProblemsError('step-refused', `${lockFile} of ${container.name} has changed since it was checked.`);
}
