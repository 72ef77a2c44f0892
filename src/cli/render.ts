import { plainTable, type Table } from '../reporters/table.ts';
import type { Output } from './terminal.ts';

/** With rules and colours on a terminal, aligned text elsewhere. */
export async function tableText(table: Table, out: Output): Promise<string> {
  if (!out.isTerminal) return plainTable(table);
  const { terminalTable } = await import('../reporters/terminal-table.ts');
  return terminalTable(table, out.columns, out.style);
}
