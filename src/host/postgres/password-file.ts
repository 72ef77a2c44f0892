import { realpath } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { isWithin } from '../../util/text.ts';
import type { Container, Mount } from '../docker/types.ts';
import type { FileReader } from '../types.ts';

/** A file of this size holds no password. In characters. */
const longest = 4_096;

/**
 * The password in the file that a variable of a container names, such as `POSTGRES_PASSWORD_FILE`, if it is in a bind mount from a readable folder of
 * this machine. Who starts a container chooses the path, and who writes into the mount may put links there, so nothing
 * outside the mount is read: no `..`, no link that leads out of it, and no mount that another one covers at this path.
 */
export async function passwordInMount(
  container: Container,
  files: FileReader,
  variable: string,
): Promise<string | undefined> {
  const path = container.env[variable];
  if (path === undefined || !posix.isAbsolute(path) || path.split('/').includes('..')) return undefined;
  const inside = posix.normalize(path);
  const mount = deepestMount(container.mounts, inside);
  if (mount?.type !== 'bind') return undefined;
  const real = await realWithin(mount.source, inside.slice(destinationOf(mount).length));
  if (real === undefined) return undefined;
  const file = await files.read(real).catch(() => undefined);
  // The file may have become a link in the meantime.
  if (file === undefined || file.text.length > longest || (await realPath(real)) !== real) return undefined;
  return file.text.replace(/\r?\n$/, '');
}

/** The one that the container sees at this path. */
function deepestMount(mounts: readonly Mount[], path: string): Mount | undefined {
  return mounts
    .filter((mount) => isWithin(path, destinationOf(mount)))
    .toSorted((a, b) => b.destination.length - a.destination.length)[0];
}

/** Without a slash at the end; empty for the root. */
function destinationOf({ destination }: Mount): string {
  return posix.normalize(destination).replace(/\/$/, '');
}

/** The real path of what is at `rest` in the source, if it is in the source. */
async function realWithin(source: string, rest: string): Promise<string | undefined> {
  const [folder, real] = await Promise.all([realPath(source), realPath(join(source, rest))]);
  return folder !== undefined && real !== undefined && isWithin(real, folder) ? real : undefined;
}

async function realPath(path: string): Promise<string | undefined> {
  return realpath(path).catch(() => undefined);
}
