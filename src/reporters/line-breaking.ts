import stringWidth from 'string-width';

/** Where a text may go on in the next line: after a blank; or after any sign, best after one that ends a part of a path or id. */
export type Breaking = 'words' | 'anywhere';

const ends: Readonly<Record<Breaking, ReadonlySet<string>>> = {
  words: new Set(' '),
  anywhere: new Set([' ', '/', '-', '_', '.']),
};

/** How many columns of a terminal a text of one line takes. */
export function widthOf(text: string): number {
  return stringWidth(text);
}

/**
 * The lines of a text, without blanks at their ends and none wider than `width` columns; only a single character that is
 * wider itself, such as 水 in one column, stands out. What a reader sees as one character is never parted.
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

/** A blank that a line has no room for is dropped at its end. */
function withoutBlank({ text, width }: Part): number {
  return text.endsWith(' ') ? width - 1 : width;
}

let characters: Intl.Segmenter | undefined;

/** What stays together in a line; a part that no line has room for falls into its characters. */
function* partsOf(text: string, width: number, endings: ReadonlySet<string>): Generator<Part> {
  characters ??= new Intl.Segmenter('en');
  let held: Part[] = [];
  function* together(): Generator<Part> {
    const part = { text: held.map((one) => one.text).join(''), width: held.reduce((sum, one) => sum + one.width, 0) };
    if (withoutBlank(part) <= width) yield part;
    else yield* held;
    held = [];
  }
  for (const { segment } of characters.segment(text)) {
    held.push({ text: segment, width: widthOf(segment) });
    if (endings.has(segment)) yield* together();
  }
  yield* together();
}
