/** An error in words, for a message or a reason. */
export function errorText(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(errorText).join('; ');
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of an error of Node, such as `ENOENT`; empty if it has none. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** Removes line breaks and NUL: for a text that is one line of a program's input. */
export function oneLine(text: string): string {
  return text.replaceAll(/[\r\n\0]/g, '');
}

/** Decodes `%41` and the like; a text that is not valid stays as it is. */
export function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Whether a path is a folder or below it. Both are POSIX paths without `..`. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}
