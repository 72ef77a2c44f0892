import { type FileBytes, type NotAFile, readRegularFile } from '../../read-file.ts';

/**
 * The password file of libpq: lines `host:port:database:user:password`.
 * https://www.postgresql.org/docs/current/libpq-pgpass.html
 */

const mostBytes = 2 ** 20;

/** A login as libpq would look it up. */
export interface PassfileKey {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
}

/** `open`: others than its owner may read or write it, so it is not used, as in libpq. */
export type Passfile = { readonly state: 'read'; readonly text: string } | { readonly state: 'absent' | 'open' };

/** A link to a file is followed, as libpq does. Anything but a regular file of at most 1 MiB counts as absent. */
export function readPassfile(path: string): Passfile {
  let read: FileBytes | NotAFile;
  try {
    read = readRegularFile(path, { most: mostBytes });
  } catch {
    return { state: 'absent' };
  }
  if (read.type === 'refused' || !read.isWhole) return { state: 'absent' };
  // On Windows the bits say nothing, and libpq does not check them.
  if (process.platform !== 'win32' && (read.stats.mode & 0o077) !== 0) return { state: 'open' };
  return { state: 'read', text: read.bytes.toString('utf8') };
}

/** The password of the first line that fits. Undefined if no line does, or if the password of that line is empty. */
export function passwordIn(text: string, { host, port, database, user }: PassfileKey): string | undefined {
  for (const line of text.split(/\r?\n|\r$/)) {
    if (line.startsWith('#')) continue;
    const fields = fieldsOf(line);
    const [password] = fields.slice(4);
    if (password === undefined) continue;
    const fits = [host, String(port), database, user].every(
      (value, index) => fields[index]?.raw === '*' || fields[index]?.value === value,
    );
    if (fits) return password.value === '' ? undefined : password.value;
  }
  return undefined;
}

interface Field {
  /** As it is written, with its backslashes. Only an unescaped `*` matches everything. */
  readonly raw: string;
  readonly value: string;
}

/** A backslash escapes the character after it; one at the end of a line is itself. */
function fieldsOf(line: string): readonly Field[] {
  // Each match is a field with the colon after it, or what is left of the line.
  return [...line.matchAll(/((?:\\.|[^:\\]|\\$)*)(?::|$)/g)].map(([, raw = '']) => ({
    raw,
    value: raw.replaceAll(/\\(.)/g, '$1'),
  }));
}
