import { type Breaking, brokenLines, widthOf } from './line-breaking.ts';
import type { Style } from './style.ts';
import type { Column, Table } from './table.ts';
import { visible } from './escape-terminal.ts';

/** The narrowest that a wrapping column gets, in columns of the terminal. */
const narrowest = 10;

/** What stands around the text of a cell: a blank on both sides, and one rule more than there are columns. */
const aroundCell = 3;

/** A table with rules, no wider than `width`; where its columns have no room beside each other, each row as a list. */
export function terminalTable({ columns, rows }: Table, width: number, style: Style): string {
  const cells = rows.map((row) => columns.map((_column, at) => visible(row[at] ?? '')));
  const widths = columnWidths(columns, cells, width - aroundCell * columns.length - 1);
  return widths === undefined ? listed(columns, cells, width, style) : ruled(columns, cells, widths, style);
}

/** Wrapping columns share what the others leave, and none takes more than it needs. Undefined where too little is left. */
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
    if (share < Math.min(needed, narrowest)) return undefined;
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
  function drawn(row: readonly string[], look: (text: string) => string): string {
    const lines = row.map((cell, at) => brokenLines(cell, widths[at] ?? 0, breakingOf(columns[at])));
    const height = Math.max(...lines.map(({ length }) => length));
    return Array.from({ length: height }, (_line, index) => {
      const parts = columns.map(({ align }, at) => {
        const text = lines[at]?.[index] ?? '';
        const blanks = ' '.repeat(Math.max(0, (widths[at] ?? 0) - widthOf(text)));
        // The look comes last: what it adds has no width.
        return align === 'right' ? blanks + look(text) : look(text) + blanks;
      });
      return `│ ${parts.join(' │ ')} │\n`;
    }).join('');
  }
  const head = columns.map(({ title }) => title);
  return [
    rule('┌', '┬', '┐'),
    drawn(head, (text) => (text === '' ? '' : style('strong', text))),
    rule('├', '┼', '┤'),
    ...cells.map((row) => drawn(row, (text) => text)),
    rule('└', '┴', '┘'),
  ].join('');
}

/** Each row below the other, a line or more for each cell, with the title of its column in front. */
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
      const lines = brokenLines(row[at] ?? '', room, breakingOf(column));
      return `${title}  ${lines.join(`\n${' '.repeat(titles + 2)}`)}`.trimEnd();
    }),
  );
  return blocks.map((lines) => `${lines.join('\n')}\n`).join('\n');
}

function breakingOf(column: Column | undefined): Breaking {
  return column?.wraps === true ? 'anywhere' : 'words';
}
