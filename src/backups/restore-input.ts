import { randomBytes } from 'node:crypto';
import { oneLine } from '../util/text.ts';
import { tarOf } from './tar-stream.ts';
import type { BackupPart } from './types.ts';

export interface RestoreSource {
  /** The data directory to fill: an absolute path in the container. */
  readonly data: string;
  /** Recovery target time as PostgreSQL writes it, `newest`: the end of the archive, or empty: the end of the backup. */
  readonly target: string;
  /** The superuser of the source. */
  readonly role: string;
  /** What the restored copy needs, in KiB. */
  readonly needKiB: number;
  /** The password that the role gets if the backup gives it none. Empty: none. */
  readonly password: string;
  /** Absolute, on this machine: the files of a server, or the folder that the dumps are in. */
  readonly folder: string;
  /** Undefined: the folder has the files of a server. */
  readonly dumps: Dumps | undefined;
}

export interface Dumps {
  readonly globals: BackupPart | undefined;
  /** In the order in which they are restored, with the database of those that do not name their own. */
  readonly parts: readonly { readonly part: BackupPart; readonly database: string }[];
}

/**
 * What `restoreScript` reads on standard input: lines that say what to do, and a tar stream with the backup. Names and the password are not
 * arguments, which everybody could read, and the container needs no mount with the backup, whoever owns its files.
 * @throws the error of the file system if a file of the backup cannot be read.
 */
export async function* restoreInput(source: RestoreSource): AsyncGenerator<Uint8Array> {
  const { data, target, role, needKiB, password, folder, dumps } = source;
  const { globals, parts } = dumps ?? { globals: undefined, parts: [] };
  const files = [...(globals === undefined ? [] : [globals]), ...parts.map(({ part }) => part)];
  const packedKiB = Math.ceil(files.reduce((sum, { bytes }) => sum + bytes, 0) / 1024);
  const whole = `whole-${randomBytes(8).toString('hex')}`;
  const lines = [
    data,
    dumps === undefined ? 'base-backup' : 'dumps',
    target,
    role,
    String(needKiB),
    String(packedKiB),
    globals?.path ?? '',
    password,
    whole,
    String(parts.length),
    ...parts.flatMap(({ part: { kind, path }, database }) => [kind, path, database]),
  ];
  yield Buffer.from(`${lines.map(oneLine).join('\n')}\n`);
  const paths = dumps === undefined ? ['.'] : files.map(({ path }) => path);
  yield* tarOf(folder, paths, whole);
}
