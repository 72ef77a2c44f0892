import Table3 from 'cli-table3';
import type { Style } from './style.ts';
import type { Table } from './table.ts';
import { visible } from './visible.ts';

/** The narrowest that a wrapping column gets, in columns of the terminal. */
const narrowest = 12;

/** A table with rules, no wider than `width` where its fixed columns leave room. */
export function terminalTable({ columns, rows }: Table, width: number, style: Style): string {
  const cells = rows.map((row) => row.map(visible));
  const natural = columns.map(
    ({ title }, at) => Math.max(title.length, ...cells.map((row) => row[at]?.length ?? 0)) + 2,
  );
  const wrapping = columns.filter(({ wraps }) => wraps !== undefined).length;
  const fixed = columns.reduce(
    (sum, { wraps }, at) => sum + (wraps !== undefined ? 0 : (natural[at] ?? 0)),
    columns.length + 1,
  );
  const share = Math.max(narrowest, Math.floor((width - fixed) / Math.max(1, wrapping)));
  const table = new Table3({
    head: columns.map(({ title }) => style('strong', title)),
    colAligns: columns.map(({ align }) => align ?? 'left'),
    colWidths: columns.map(({ wraps }, at) =>
      wraps !== undefined ? Math.min(share, natural[at] ?? share) : (natural[at] ?? null),
    ),
    wordWrap: true,
    wrapOnWordBoundary: false,
    style: { head: [], border: [], compact: true },
  });
  table.push(
    ...cells.map((row) => row.map((cell, at) => (columns[at]?.wraps === 'words' ? inLines(cell, share - 2) : cell))),
  );
  return `${table.toString()}\n`;
}

/** Broken between words; a word longer than a line is left to the table. */
function inLines(text: string, width: number): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.join('\n');
}
