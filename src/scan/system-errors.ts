/** The system's code of an error, such as `ENOENT`. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
}

const meanings: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EILSEQ: 'its name is not UTF-8',
  EISDIR: 'it is a folder',
  ELOOP: 'its symbolic links run in a circle',
  ENAMETOOLONG: 'its name is too long',
  ENOENT: 'it does not exist',
  ENOTDIR: 'a part of its path is no folder',
  EPERM: 'permission denied',
};

/** What a code means, in words that need no manual. */
export function meaningOf(code: string): string {
  return meanings[code] ?? `the system says ${code}`;
}
