import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { plain, type Tone } from '../../src/reporters/escape-terminal.ts';
import { type Table, terminalTable } from '../../src/reporters/table.ts';
import { widthOf } from '../../src/reporters/wrap-text.ts';

function coloured(_tone: Tone, text: string): string {
  return `\u001b[1m${text}\u001b[22m`;
}

function table(wraps: true | 'words'): string {
  return terminalTable(
    { columns: [{ title: 'NAME' }, { title: 'WHY', wraps }], rows: [['one', 'the memory of each backend counts']] },
    30,
    plain,
  );
}

/** As `problems scan` prints it. */
function tasks(...rows: readonly (readonly string[])[]): Table {
  return {
    columns: [
      { title: 'score', align: 'right' },
      { title: 'band' },
      { title: 'automation' },
      { title: 'problem', wraps: true },
      { title: 'title', wraps: 'words' },
    ],
    rows,
  };
}

const english = [
  '10.368',
  'high',
  'approve',
  'postgres/port-allocation-conflicts',
  'Resolve Port Allocation Conflicts',
];

const chinese = ['8', 'high', 'human', 'postgres/数据库连接池耗尽', '解决：数据库连接池耗尽导致所有客户端无法连接'];

const emoji = ['2', 'low', 'auto', 'web/👩‍👩‍👧‍👦-🇩🇪-🫠', '👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦 🇩🇪🇩🇪🇩🇪🇩🇪🇩🇪🇩🇪 🫠🫠🫠🫠🫠🫠🫠🫠'];

/** The text of the last column, its lines joined. */
function lastColumn(drawn: string, between: string): string {
  const cells = drawn.split('\n').map((line) => line.split('│').at(-2)?.trim() ?? '');
  return cells.filter((cell) => cell !== '').join(between);
}

describe('a table on a terminal', () => {
  it('fits the width of the terminal', () => {
    for (const line of table(true).split('\n')) expect(line.length).toBeLessThanOrEqual(30);
    for (const line of table('words').split('\n')) expect(line.length).toBeLessThanOrEqual(30);
  });

  it('breaks sentences between words on request', () => {
    expect(table('words')).toBe(`┌──────┬─────────────────────┐
│ NAME │ WHY                 │
├──────┼─────────────────────┤
│ one  │ the memory of each  │
│      │ backend counts      │
└──────┴─────────────────────┘
`);
  });

  it('gives a narrow column only the width that it needs, and the rest to the others', () => {
    const drawn = terminalTable(tasks(['1', 'low', 'auto', 'a/b', 'a title of some length, in one line']), 80, plain);
    expect(drawn).toContain('│ a/b     │ a title of some length, in one line │');
  });

  it.each([40, 60, 80, 100, 120, 200])('has the same layout with and without colours, at %i columns', (width) => {
    const given = tasks(english, chinese, emoji);
    const drawn = terminalTable(given, width, coloured);
    expect(stripVTControlCharacters(drawn)).toBe(terminalTable(given, width, plain));
    for (const title of ['score', 'band', 'automation', 'problem', 'title']) {
      expect(drawn).toContain(`\u001b[1m${title}\u001b[22m`);
    }
  });

  it.each([80, 100, 120, 200])('has all its rules in line at %i columns, for any cell text', (width) => {
    const lines = terminalTable(tasks(english, chinese, emoji), width, plain)
      .trimEnd()
      .split('\n');
    expect(new Set(lines.map(widthOf)).size).toBe(1);
    expect(widthOf(lines[0] ?? '')).toBeLessThanOrEqual(width);
  });

  it('shows wide titles and ids whole', () => {
    const drawn = terminalTable(tasks(chinese), 80, plain);
    expect(drawn).not.toContain('…');
    expect(lastColumn(drawn, '')).toBe(`title${chinese[4]}`);
    expect(lastColumn(terminalTable(tasks(english), 80, plain), ' ')).toBe(`title ${english[4]}`);
  });

  it('becomes a list if the columns do not fit next to each other', () => {
    expect(terminalTable(tasks(english, ['2', 'low', 'auto', 'a/b', '']), 36, coloured).replaceAll('\u001b', '')).toBe(
      `[1mscore[22m       10.368
[1mband[22m        high
[1mautomation[22m  approve
[1mproblem[22m     postgres/port-
            allocation-conflicts
[1mtitle[22m       Resolve Port Allocation
            Conflicts

[1mscore[22m       2
[1mband[22m        low
[1mautomation[22m  auto
[1mproblem[22m     a/b
[1mtitle[22m
`,
    );
  });

  it.each([1, 5, 22])('shows everything even at %i columns', (width) => {
    const drawn = terminalTable(tasks(english, chinese, emoji), width, plain);
    const written = drawn.replaceAll(/\s/g, '');
    for (const cell of [...english, ...chinese, ...emoji]) expect(written).toContain(cell.replaceAll(' ', ''));
  });

  it('makes control characters visible', () => {
    expect(terminalTable(tasks(['1', 'low', 'auto', 'a/b', '\u001b[2J']), 80, plain)).toContain('\\u{1b}[2J');
  });
});
