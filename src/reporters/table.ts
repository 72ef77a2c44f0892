import { type Style, type Tone, escapeTerminal } from './escape-terminal.ts';
import { type Breaking, brokenLines, graphemes, widthOf } from './wrap-text.ts';

/** Rows of text. Untrusted text is escaped here. */
export interface Table {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly string[])[];
}

export interface Column {
  /** Upper case, as docker and kubectl write it. */
  readonly title: string;
  readonly align?: 'right';
  /** Uses the remaining width of the terminal and wraps: anywhere, for paths and ids, or between words. */
  readonly wraps?: true | 'words';
  /** For ids, which are copied: never wraps. If the table is too wide, the cell goes below its row, on a line of its own. */
  readonly ownLine?: true;
  /** The colour of a cell. */
  readonly tone?: (cell: string) => Tone | undefined;
}

/**
 * Aligned columns with two spaces between them and no trailing spaces, for pipes and files.
 * @param width If given, the last column wraps between words to fit it.
 */
export function plainTable({ columns, rows }: Table, width = Number.POSITIVE_INFINITY): string {
  const cells = [columns.map(({ title }) => title), ...rows.map((row) => row.map(escapeTerminal))];
  const widths = columns.map((_column, at) =>
    cells.reduce((widest, row) => Math.max(widest, lengthOf(row[at] ?? '')), 0),
  );
  const last = columns.length - 1;
  const before = widths.slice(0, last).reduce((sum, one) => sum + one + 2, 0);
  const room = Math.max(narrowest, width - before);
  return cells
    .flatMap((row) => {
      const lines = room === Number.POSITIVE_INFINITY ? [row[last] ?? ''] : brokenLines(row[last] ?? '', room, 'words');
      return lines.map((line, index) => {
        if (index > 0) return `${' '.repeat(before)}${line}\n`;
        const parts = columns.map(({ align }, at) =>
          at === last && line.length < (row[last] ?? '').length ? line : padded(row[at] ?? '', widths[at] ?? 0, align),
        );
        return `${parts.join('  ').trimEnd()}\n`;
      });
    })
    .join('');
}

function padded(text: string, width: number, align: Column['align']): string {
  const blanks = ' '.repeat(width - lengthOf(text));
  return align === 'right' ? blanks + text : text + blanks;
}

/** Number of graphemes. */
function lengthOf(text: string): number {
  // Plain letters need no segmenter, which takes longer to create than a page takes to print.
  if (/^[ -~]*$/.test(text)) return text.length;
  return [...graphemes(text)].length;
}

/**
 * A line, or several if it is wider than `width`; those after the first are indented by two more columns if the first is
 * indented. A longer word, such as an id, stays whole: it is copied.
 * @param text One line without escape sequences.
 */
export function fitted(text: string, width: number, look: (line: string) => string = (line) => line): string {
  const indent = /^ */.exec(text)?.[0] ?? '';
  const further = indent === '' ? '' : `${indent}  `;
  const [first = '', ...words] = text.slice(indent.length).split(' ');
  const lines = [indent + first];
  for (const word of words) {
    const longer = `${lines.at(-1)} ${word}`;
    if (widthOf(longer) <= width) lines[lines.length - 1] = longer;
    else lines.push(further + word);
  }
  return lines.map((line) => `${look(line)}\n`).join('');
}

/** Lines one below the other, each as `fitted`. */
export function fittedLines(lines: readonly string[], width: number): string {
  return lines.map((line) => fitted(line, width)).join('');
}

/** Minimum width of a wrapping column, in columns of the terminal. */
const narrowest = 10;

/** Width of borders and padding: a space on both sides of a cell, and one rule more than there are columns. */
const aroundCell = 3;

/** Minimum width of a wrapping column beside a cell that could go on its own line. */
const comfortable = 24;

/** A table with rules, at most `width` wide; if its columns do not fit, each row on two lines or as a list. */
export function terminalTable({ columns, rows }: Table, width: number, style: Style): string {
  const cells = rows.map((row) => columns.map((_column, at) => escapeTerminal(row[at] ?? '')));
  const widths = columnWidths(columns, cells, width - aroundCell * columns.length - 1);
  if (widths !== undefined) return ruled(columns, cells, widths, style);
  return stacked(columns, cells, width, style) ?? listed(columns, cells, width, style);
}

/** Rows without rules: the cell with its own line below the others, of which the wrapping one is cut. */
function stacked(
  columns: readonly Column[],
  cells: readonly (readonly string[])[],
  width: number,
  style: Style,
): string | undefined {
  const below = columns.findIndex(({ ownLine }) => ownLine === true);
  const cut = columns.findIndex(({ wraps }) => wraps !== undefined);
  if (below === -1 || cut === -1) return undefined;
  const shown = columns.flatMap((column, at) => (at === below ? [] : [{ column, at }]));
  const widths = shown.map(({ column, at }) =>
    cells.reduce((widest, row) => Math.max(widest, widthOf(row[at] ?? '')), widthOf(column.title)),
  );
  const fixed = shown.reduce((sum, { at }, index) => (at === cut ? sum : sum + (widths[index] ?? 0) + 2), 0);
  const room = width - fixed;
  if (room < narrowest) return undefined;
  function line(row: readonly string[], look: (text: string, column: Column) => string): string {
    const parts = shown.map(({ column, at }, index) => {
      const text = at === cut ? shortened(row[at] ?? '', room) : (row[at] ?? '');
      const isLast = index === shown.length - 1;
      const blanks = isLast ? '' : ' '.repeat(Math.max(0, (at === cut ? room : (widths[index] ?? 0)) - widthOf(text)));
      return column.align === 'right' ? blanks + look(text, column) : look(text, column) + blanks;
    });
    return `${parts.join('  ').trimEnd()}\n`;
  }
  const indent = ' '.repeat((widths[0] ?? 0) + 2);
  const head = columns.map(({ title }) => title);
  return [
    line(head, (text) => style('strong', text)),
    ...cells.map((row) => line(row, toned(style)) + `${indent}${row[below] ?? ''}\n`),
  ].join('');
}

/** At most `width` wide, with an ellipsis if something was cut. */
function shortened(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = '';
  let used = 1;
  for (const { segment } of graphemes(text)) {
    used += widthOf(segment);
    if (used > width) break;
    kept += segment;
  }
  return `${kept.trimEnd()}…`;
}

/** Colours a part of a cell. */
function toned(style: Style): (text: string, column: Column, cell?: string) => string {
  return (text, { tone }, cell = text) => {
    const wanted = text === '' ? undefined : tone?.(cell);
    return wanted === undefined ? text : style(wanted, text);
  };
}

/** Wrapping columns share the remaining width, and none gets more than it needs. Undefined if too little is left. */
function columnWidths(
  columns: readonly Column[],
  cells: readonly (readonly string[])[],
  room: number,
): readonly number[] | undefined {
  const widths = columns.map(({ title }, at) =>
    cells.reduce((widest, row) => Math.max(widest, widthOf(row[at] ?? '')), widthOf(title)),
  );
  const wrapping = columns.flatMap(({ wraps }, at) => (wraps === undefined ? [] : [at]));
  let left = widths.reduce((sum, needed, at) => (wrapping.includes(at) ? sum : sum - needed), room);
  const byNeed = wrapping.toSorted((a, b) => (widths[a] ?? 0) - (widths[b] ?? 0));
  for (const [index, at] of byNeed.entries()) {
    const share = Math.floor(left / (byNeed.length - index));
    const needed = widths[at] ?? 0;
    const least = columns.some(({ ownLine }) => ownLine === true) ? comfortable : narrowest;
    if (share < Math.min(needed, least)) return undefined;
    widths[at] = Math.min(needed, share);
    left -= widths[at];
  }
  return left < 0 ? undefined : widths;
}

function ruled(
  columns: readonly Column[],
  cells: readonly (readonly string[])[],
  widths: readonly number[],
  style: Style,
): string {
  function rule(left: string, between: string, right: string): string {
    return `${left}${widths.map((width) => '─'.repeat(width + 2)).join(between)}${right}\n`;
  }
  function drawn(row: readonly string[], look: (text: string, column: Column, cell: string) => string): string {
    const lines = row.map((cell, at) => brokenLines(cell, widths[at] ?? 0, breakingOf(columns[at])));
    const height = Math.max(...lines.map(({ length }) => length));
    return Array.from({ length: height }, (_line, index) => {
      const parts = columns.map((column, at) => {
        const text = lines[at]?.[index] ?? '';
        const blanks = ' '.repeat(Math.max(0, (widths[at] ?? 0) - widthOf(text)));
        // Style last: escape sequences have no width.
        const styled = look(text, column, row[at] ?? '');
        return column.align === 'right' ? blanks + styled : styled + blanks;
      });
      return `│ ${parts.join(' │ ')} │\n`;
    }).join('');
  }
  const head = columns.map(({ title }) => title);
  return [
    rule('┌', '┬', '┐'),
    drawn(head, (text) => (text === '' ? '' : style('strong', text))),
    rule('├', '┼', '┤'),
    ...cells.map((row) => drawn(row, toned(style))),
    rule('└', '┴', '┘'),
  ].join('');
}

/** Rows below each other, with the column's title in front of each cell. */
function listed(
  columns: readonly Column[],
  cells: readonly (readonly string[])[],
  width: number,
  style: Style,
): string {
  const titles = Math.max(...columns.map(({ title }) => widthOf(title)));
  const room = Math.max(narrowest, width - titles - 2);
  const blocks = cells.map((row) =>
    columns.map((column, at) => {
      const title = style('strong', column.title) + ' '.repeat(titles - widthOf(column.title));
      const cell = row[at] ?? '';
      const lines = column.ownLine === true ? [cell] : brokenLines(cell, room, breakingOf(column));
      return `${title}  ${lines.join(`\n${' '.repeat(titles + 2)}`)}`.trimEnd();
    }),
  );
  return blocks.map((lines) => `${lines.join('\n')}\n`).join('\n');
}

function breakingOf(column: Column | undefined): Breaking {
  return column?.wraps === true ? 'anywhere' : 'words';
}
