import type { DockerReader } from '../host/docker/types.ts';
import type { Instance } from '../host/instance.ts';
import { archiveHeader, majorOf } from './archive-header.ts';
import { archives } from './levels/dump.ts';
import type { FileScan } from './read-file.ts';
import type { BackupPart } from './types.ts';

/** An image with the programs that read and restore a part. */
export interface Programs {
  /** The image's id. */
  readonly image: string;
  /** Undefined if the image does not tell. */
  readonly major: number | undefined;
  /** The major version of the pg_dump that made the part, if the image's is older; else undefined. */
  readonly newer: number | undefined;
}

/** The server's own image has the same programs and libraries, so text sorts as in the source. */
export async function programsOf(docker: DockerReader, { container }: Instance): Promise<Programs> {
  const stated = container.env['PG_MAJOR'] ?? (await docker.image(container.image))?.env['PG_MAJOR'];
  return { image: container.image, major: majorOf(stated), newer: undefined };
}

/** Of the pg_dump that made a part: from its header, or from what was read of it. Undefined if neither tells. */
export async function madeBy(
  folder: string,
  part: BackupPart,
  scan: FileScan | undefined,
): Promise<number | undefined> {
  const isArchive = archives.includes(part.kind);
  return majorOf(isArchive ? (await archiveHeader(folder, part))?.dumpedBy : scan?.text?.dumpedBy);
}

/**
 * The images to try for a part, the best first. A newer pg_dump writes archives that an older pg_restore refuses, so these need
 * an image of its version. Plain SQL mostly restores into the older server too, which says more about the instance.
 */
export async function programsFor(
  docker: DockerReader,
  instance: Instance,
  own: Programs,
  part: BackupPart,
  made: number | undefined,
): Promise<readonly Programs[]> {
  if (made === undefined || own.major === undefined || made <= own.major) return [own];
  const older: Programs = { ...own, newer: made };
  const image = await imageOfMajor(docker, instance, own.major, made);
  if (image === undefined) return [older];
  const fitting: Programs = { image, major: made, newer: undefined };
  return archives.includes(part.kind) ? [fitting] : [older, fitting];
}

/** An image on this machine, by the name of the instance's own or the official one, that says it has this version. */
async function imageOfMajor(
  docker: DockerReader,
  { container }: Instance,
  own: number,
  wanted: number,
): Promise<string | undefined> {
  for (const name of namesOfMajor(container.imageName, own, wanted)) {
    const image = await docker.image(name);
    if (image !== undefined && majorOf(image.env['PG_MAJOR']) === wanted) return image.id;
  }
  return undefined;
}

/** `postgres:15.4-alpine` of 15 leads to `postgres:17-alpine` and `postgres:17`, `pgvector:pg15` to `pgvector:pg17`. */
export function namesOfMajor(imageName: string, own: number, wanted: number): readonly string[] {
  const [, name = '', tag = ''] = /^([^@]*?)(?::([^:/@]*))?(?:@.*)?$/.exec(imageName) ?? [];
  const other = tag.replace(new RegExp(`(?<![\\d.])${own}(?:\\.\\d+)*(?!\\d)`), String(wanted));
  const repositories = [name, 'postgres'].filter((one) => one !== '');
  const tags = [other, String(wanted)].filter((one) => one !== '' && one !== tag);
  return [...new Set(repositories.flatMap((one) => tags.map((each) => `${one}:${each}`)))];
}
