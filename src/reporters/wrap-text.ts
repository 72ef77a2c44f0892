import { fileURLToPath } from 'node:url';
import type * as WideText from './wide-text.ts';

/** Width of a text of one line without escape sequences, in columns of a terminal. */
export function widthOf(text: string): number {
  return /^[\x20-\x7e]*$/.test(text) ? text.length : loadWideText().stringWidth(text);
}

let loaded: typeof WideText | undefined;

/** Loads string-width, whose regular expressions take longer than the start of Node, for the first text that needs it. */
function loadWideText(): typeof WideText {
  if (loaded === undefined) {
    const path = fileURLToPath(new URL('./wide-text.ts', import.meta.url));
    const found: unknown = process.getBuiltinModule('node:module').createRequire(import.meta.url)(path);
    if (!isWideText(found)) throw new TypeError('Cannot load wide-text.ts.');
    loaded = found;
  }
  return loaded;
}

function isWideText(found: unknown): found is typeof WideText {
  return typeof found === 'object' && found !== null && 'stringWidth' in found;
}

/** Where a text may wrap: after a space; or anywhere, preferably after the end of a part of a path or id. */
export type Breaking = 'words' | 'anywhere';

const ends: Readonly<Record<Breaking, ReadonlySet<string>>> = {
  words: new Set(' '),
  anywhere: new Set([' ', '/', '-', '_', '.']),
};

/**
 * Wraps a text into lines of at most `width` columns, without trailing spaces. Only a single character that is wider
 * itself, such as 水 in one column, exceeds it. Never splits a grapheme.
 * @param text One line without escape sequences.
 */
export function brokenLines(text: string, width: number, breaking: Breaking): readonly string[] {
  if (widthOf(text) <= width) return [text];
  const lines: string[] = [];
  let line = '';
  let used = 0;
  for (const part of partsOf(text, width, ends[breaking])) {
    if (line !== '' && used + withoutBlank(part) > width) {
      lines.push(line.trimEnd());
      line = '';
      used = 0;
    }
    line += part.text;
    used += part.width;
  }
  return [...lines, line.trimEnd()];
}

interface Part {
  readonly text: string;
  readonly width: number;
}

/** A trailing space may exceed the width, since it is dropped. */
function withoutBlank({ text, width }: Part): number {
  return text.endsWith(' ') ? width - 1 : width;
}

let characters: Intl.Segmenter | undefined;

export function graphemes(text: string): Intl.Segments {
  characters ??= new Intl.Segmenter('en');
  return characters.segment(text);
}

/** Splits a text into unbreakable parts; a part that is wider than a line is split into graphemes. */
function* partsOf(text: string, width: number, endings: ReadonlySet<string>): Generator<Part> {
  let held: Part[] = [];
  function* together(): Generator<Part> {
    const part = { text: held.map((one) => one.text).join(''), width: held.reduce((sum, one) => sum + one.width, 0) };
    if (withoutBlank(part) <= width) yield part;
    else yield* held;
    held = [];
  }
  for (const { segment } of graphemes(text)) {
    held.push({ text: segment, width: widthOf(segment) });
    if (endings.has(segment)) yield* together();
  }
  yield* together();
}
