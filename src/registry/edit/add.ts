import { lineEndOf } from './edits.ts';

/** Adds a block, markers and all, at the end of a text. Everything before it stays byte for byte. */
export function addRecord(text: string, block: string): string {
  const eol = lineEndOf(text);
  const gap = text === '' ? '' : text.endsWith(eol + eol) ? '' : text.endsWith(eol) ? eol : eol + eol;
  const body = block
    .replaceAll(/\r\n|\n|\r/g, '\n')
    .trimEnd()
    .replaceAll('\n', eol);
  return `${text}${gap}${body}${eol}`;
}
