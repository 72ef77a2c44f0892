import { realpath } from 'node:fs/promises';
import { isWithin } from '../util/text.ts';
import type { Container, Mount } from './docker/types.ts';
import type { InstanceIdentity } from './instance.ts';

export interface Claim {
  readonly container: Container;
  /** Whether the container's own name, without its labels, says the instance's name: by the prefix, or by the config's pattern. */
  readonly named: boolean;
  /** Whether a label of the container itself, not of its image, says the instance's name. */
  readonly labelled: boolean;
  readonly dataMount: Mount | undefined;
  /** `<parent>/<name>` with `config/instance.conf`, if there is one. */
  readonly folder: string | undefined;
}

/**
 * How sure it is that a container is the instance that it claims to be. Whoever may start containers chooses their labels, so
 * a label alone proves nothing. A container's name is unique on its engine. A mount of the instance's own folder shows that
 * the one who started it could read that folder anyway.
 */
export async function identityOf(claim: Claim): Promise<InstanceIdentity> {
  const { container, named, labelled, dataMount, folder } = claim;
  if (folder !== undefined && dataMount !== undefined && (await isInside(dataMount, folder))) return 'confirmed';
  if (!named) return 'label';
  if (labelled) return 'confirmed';
  if (folder === undefined) return 'name';
  for (const mount of container.mounts) if (await isInside(mount, folder)) return 'confirmed';
  return 'name';
}

/** Links in either path lead to the same folder. */
async function isInside({ type, source }: Mount, folder: string): Promise<boolean> {
  if (type !== 'bind') return false;
  const [real, realFolder] = await Promise.all([source, folder].map(realPath));
  return isWithin(real ?? source, realFolder ?? folder);
}

async function realPath(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}
