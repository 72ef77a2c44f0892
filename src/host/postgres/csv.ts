import { quoteIdentifier } from '../../util/quote.ts';
import type { SqlRow, TableToRead } from './types.ts';

/** Answers of psql and of COPY as CSV (RFC 4180), whose first line names the columns. */

/** Stands for null in CSV; no value can equal it. */
export function nullMarker(): string {
  return `null-${crypto.randomUUID()}`;
}

export function rowsOfCsv(csv: string, missing: string): readonly SqlRow[] {
  const [header, ...lines] = parseCsv(csv);
  if (header === undefined) return [];
  return lines.map((line) =>
    Object.fromEntries(header.map((name, index) => [name, line[index] === missing ? null : (line[index] ?? null)])),
  );
}

/** CSV as psql writes it (RFC 4180). */
function parseCsv(text: string): readonly (readonly string[])[] {
  const rows: string[][] = [];
  let row: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\r?\n|$)/y;
  while (field.lastIndex < text.length) {
    const match = field.exec(text);
    if (match === null) break;
    row.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] !== ',') {
      rows.push(row);
      row = [];
    }
  }
  return rows;
}

/**
 * COPY reads the table itself. It plans nothing, so no expression of an index calls a function of the table's owner, and it
 * refuses a view.
 */
export function copyStatement({ schema, name, columns }: TableToRead, missing: string): string {
  const table = `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
  const list = columns.map(quoteIdentifier).join(', ');
  return `COPY ${table} (${list}) TO STDOUT WITH (FORMAT csv, HEADER, ENCODING 'UTF8', NULL '${missing}')`;
}

/** The rows of a table, each with the name of the table. */
export function rowsOfTable({ name }: TableToRead, csv: string, missing: string): readonly SqlRow[] {
  return rowsOfCsv(csv, missing).map((row) => ({ ...row, table: name }));
}
