import { visible } from './escape-terminal.ts';

/** Rows of text. What comes from strangers is made visible here. */
export interface Table {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly string[])[];
}

export interface Column {
  readonly title: string;
  readonly align?: 'right';
  /** Takes what width a terminal has left, and wraps within it: anywhere, as paths and ids need it, or between words. */
  readonly wraps?: true | 'words';
}

/** Columns of aligned text, two blanks between them, no blanks at the ends of lines: for pipes and files. */
export function plainTable({ columns, rows }: Table): string {
  const cells = [columns.map(({ title }) => title), ...rows.map((row) => row.map(visible))];
  const widths = columns.map((_column, at) =>
    cells.reduce((width, row) => Math.max(width, lengthOf(row[at] ?? '')), 0),
  );
  return cells
    .map(
      (row) =>
        `${columns
          .map(({ align }, at) => padded(row[at] ?? '', widths[at] ?? 0, align))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

function padded(text: string, width: number, align: Column['align']): string {
  const blanks = ' '.repeat(width - lengthOf(text));
  return align === 'right' ? blanks + text : text + blanks;
}

let characters: Intl.Segmenter | undefined;

/** How many characters a reader sees. */
function lengthOf(text: string): number {
  // What is made of plain letters alone needs no segmenter, which takes longer to make than a page of them to print.
  if (/^[ -~]*$/.test(text)) return text.length;
  characters ??= new Intl.Segmenter('en');
  return [...characters.segment(text)].length;
}
