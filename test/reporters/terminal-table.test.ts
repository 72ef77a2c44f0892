import { describe, expect, it } from 'vitest';
import { plain } from '../../src/reporters/style.ts';
import { terminalTable } from '../../src/reporters/terminal-table.ts';

function table(wraps: true | 'words'): string {
  return terminalTable(
    { columns: [{ title: 'NAME' }, { title: 'WHY', wraps }], rows: [['one', 'the memory of each backend counts']] },
    30,
    plain,
  );
}

describe('a table on a terminal', () => {
  it('is no wider than the terminal', () => {
    for (const line of table(true).split('\n')) expect(line.length).toBeLessThanOrEqual(30);
    for (const line of table('words').split('\n')) expect(line.length).toBeLessThanOrEqual(30);
  });

  it('breaks sentences between words, where that is asked for', () => {
    expect(table('words')).toBe(`┌──────┬─────────────────────┐
│ NAME │ WHY                 │
├──────┼─────────────────────┤
│ one  │ the memory of each  │
│      │ backend counts      │
└──────┴─────────────────────┘
`);
  });
});
