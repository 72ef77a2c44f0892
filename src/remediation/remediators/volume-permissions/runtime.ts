import type { Container } from '../../../host/docker/types.ts';
import type { Json } from '../../../util/json.ts';
import type { ReadonlyHost } from '../../contract.ts';
import type { Owner } from './observe.ts';

/** How a container begins: which user its server runs as, and whether its entrypoint can put owners right. */
export interface Runtime {
  readonly owner: Owner;
  readonly heals: boolean;
  readonly missingCapabilities: readonly string[];
}

export type ImageUsers = (image: string, user: string) => Promise<Owner>;

/** Asks each image once for each user. */
export function imageUsers(host: ReadonlyHost): ImageUsers {
  const known = new Map<string, Promise<Owner>>();
  return (image, user) => {
    const key = `${image} ${user}`;
    const found = known.get(key) ?? host.probes.imageUser(image, user);
    known.set(key, found);
    return found;
  };
}

/** Of the ids, only the image knows: 999 on Debian, 70 on Alpine, whatever `--user` says. PGOPS §4.1. */
export async function runtimeOf(container: Container, users: ImageUsers): Promise<Runtime> {
  const [user = '', group] = container.user.split(':');
  const asRoot = user === '' || user === 'root' || user === '0';
  const byEntrypoint = container.entrypoint.some((word) => word.endsWith('docker-entrypoint.sh'));
  const missingCapabilities = asRoot && byEntrypoint ? missing(container) : [];
  return {
    owner: asRoot ? await users(container.image, 'postgres') : await ownerOf(container.image, user, group, users),
    heals: asRoot && byEntrypoint && missingCapabilities.length === 0,
    missingCapabilities,
  };
}

async function ownerOf(image: string, user: string, group: string | undefined, users: ImageUsers): Promise<Owner> {
  const isNumber = /^\d+$/.test(user);
  if (isNumber && group !== undefined && /^\d+$/.test(group)) return { uid: Number(user), gid: Number(group) };
  // A number that the image has no name for has the group 0, as the engine gives it.
  const found = await users(image, user).catch((error: unknown) => {
    if (isNumber) return { uid: Number(user), gid: 0 };
    throw error;
  });
  return group !== undefined && /^\d+$/.test(group) ? { uid: found.uid, gid: Number(group) } : found;
}

/** What giving files away and stepping down to another user takes; the engine grants all of it unless told otherwise. */
const needed = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'SETGID', 'SETUID'] as const;

function missing({ inspect }: Container): readonly string[] {
  const host = property(inspect, 'HostConfig');
  if (property(host, 'Privileged') === true) return [];
  const dropped = capabilities(property(host, 'CapDrop'));
  const added = capabilities(property(host, 'CapAdd'));
  return needed.filter(
    (name) =>
      (dropped.has('ALL') || dropped.has(name)) && !added.has(name) && !(added.has('ALL') && !dropped.has(name)),
  );
}

function capabilities(list: Json | undefined): ReadonlySet<string> {
  const names = Array.isArray(list) ? list.filter((name) => typeof name === 'string') : [];
  return new Set(names.map((name) => name.toUpperCase().replace(/^CAP_/, '')));
}

function property(value: Json | undefined, key: string): Json | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.entries(value).find(([name]) => name === key)?.[1];
}
