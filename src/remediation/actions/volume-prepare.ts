import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import type { Mount } from '../../host/docker/types.ts';
import type { Action } from '../contract.ts';

const owner = z.int().nonnegative();

const params = z.strictObject({
  volume: z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/),
  /** The server's own: mapped user ids are right by themselves. */
  image: z.string(),
  uid: owner,
  gid: owner,
});

type Wanted = z.output<typeof params>;

const preparedByLabel = 'problems.prepared-by';

/** Beside the data, for what only the server may read: an archive of WAL. */
export const volumePrepare: Action<Wanted, null> = {
  name: 'volume.prepare',
  about: 'Makes an empty volume whose folder belongs to the server’s user alone. One that exists is refused.',
  params,
  before: z.null(),
  operation: 'new-backup',
  describe: ({ volume, uid, gid }) => `make the volume ${volume} for ${uid}:${gid}`,
  effect: async ({ volume }) => [{ object: `volume ${volume}`, before: 'none', after: 'empty' }],
  async prepare({ volume }, host) {
    if ((await host.docker.volume(volume)) !== undefined)
      throw new ProblemsError('step-refused', `There is a volume ${volume} already.`);
    return null;
  },
  async isDone({ volume, image, uid, gid }, host, run) {
    if ((await host.docker.volume(volume))?.labels[preparedByLabel] !== run.id) return false;
    const { entries } = await host.probes.survey(mountOf(volume), image);
    const top = entries.find(({ path }) => path === '.');
    return top?.uid === uid && top.gid === gid && top.mode === '700';
  },
  async apply({ volume, image, uid, gid }, host) {
    const there = await host.docker.volume(volume);
    if (there === undefined)
      await host.change.docker.createVolume(volume, { ...host.run.labels, [preparedByLabel]: host.run.id });
    else if (there.labels[preparedByLabel] !== host.run.id)
      throw new ProblemsError('step-refused', `There is a volume ${volume} already.`);
    const { exitCode, stderr } = await host.change.docker.runHelper({
      image,
      command: ['sh', '-c', `chown ${uid}:${gid} /d && chmod 0700 /d`],
      mounts: [{ type: 'volume', source: volume, target: '/d', readonly: false }],
      capabilities: ['CHOWN', 'FOWNER'],
    });
    if (exitCode !== 0) throw new Error(`The volume ${volume} was not prepared: ${stderr.trim().slice(0, 500)}`);
  },
  /** It is never removed: what a server has written into it since is kept. */
  undo: () => Promise.resolve(),
  isUndone: () => Promise.resolve(true),
};

function mountOf(name: string): Mount {
  return { type: 'volume', name, source: '', destination: '', writable: false, anonymous: false };
}
