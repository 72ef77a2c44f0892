import { describe, expect, it } from 'vitest';
import { type ImportPlan, planImport } from '../../src/import/plan.ts';
import { setList } from '../../src/registry/edit/index.ts';
import { readRegistry } from '../../src/registry/parse/read.ts';

const reading = { path: 'PROBLEMS.md', component: 'db' };

function imported(source: string, text = '# Problems\n'): ImportPlan {
  const sources = [{ path: 'KNOWN_ISSUES.md', from: 'KNOWN_ISSUES.md', text: source }];
  return planImport({ ...reading, text, exists: () => true }, sources, { minConfidence: 0 });
}

function recordsOf(text: string): readonly string[] {
  return readRegistry(text, reading).records.map(({ kind, title, id }) => `${kind} ${title} ${id}`);
}

function pool(...lines: readonly string[]): string {
  return ['### 1. Pool is empty', '', '**Problem**: clients wait', '**Root cause**: a leak', ...lines, ''].join('\n');
}

const slow = ['### 2. Slow start', '', '**Problem**: 40 seconds', '**Root cause**: no cache', ''].join('\n');

/** How people change such files from one version to the next, and what a second import makes of it. */
const histories: readonly {
  readonly name: string;
  readonly before: string;
  readonly after: string;
  /** The actions of the second import, in the order of the text. */
  readonly actions: readonly string[];
  /** The records after it. */
  readonly records: readonly string[];
}[] = [
  {
    name: 'a status line says that it is fixed',
    before: `# Known issues\n\n${pool('**Status**: Open')}\n${slow}`,
    after: `# Known issues\n\n${pool('**Status**: Fixed on 2025-02-03')}\n${slow}`,
    actions: ['updated Pool is empty', 'unchanged Slow start'],
    records: ['resolved Pool is empty db/pool-is-empty', 'active Slow start db/slow-start'],
  },
  {
    name: 'a problem is resolved and moves to another section',
    before: `# Known issues\n\n## Open\n\n${pool()}\n${slow}\n## Resolved\n\nNone yet.\n`,
    after: `# Known issues\n\n## Open\n\n${slow}\n## Resolved\n\n${pool('**Fix**: Closed the connections.')}`,
    actions: ['unchanged Slow start', 'updated Pool is empty'],
    records: ['resolved Pool is empty db/pool-is-empty', 'active Slow start db/slow-start'],
  },
  {
    name: 'it comes back, and moves to the open ones again',
    before: `# Known issues\n\n## Open\n\n${slow}\n## Resolved\n\n${pool()}`,
    after: `# Known issues\n\n## Open\n\n${pool()}\n${slow}\n## Resolved\n\nNone.\n`,
    actions: ['updated Pool is empty', 'unchanged Slow start'],
    records: ['active Slow start db/slow-start', 'active Pool is empty db/pool-is-empty'],
  },
  {
    name: 'sections change their order and their numbers',
    before: `# Known issues\n\n${pool()}\n${slow}`,
    after: `# Known issues\n\n${slow.replace('2.', '1.')}\n${pool().replace('1.', '2.')}`,
    actions: ['unchanged Slow start', 'unchanged Pool is empty'],
    records: ['active Pool is empty db/pool-is-empty', 'active Slow start db/slow-start'],
  },
  {
    name: 'a title is worded better',
    before: `# Known issues\n\n${pool()}\n${slow}`,
    after: `# Known issues\n\n${pool().replace('Pool is empty', 'The pool is empty')}\n${slow}`,
    actions: ['unchanged The pool is empty', 'unchanged Slow start'],
    records: ['active Pool is empty db/pool-is-empty', 'active Slow start db/slow-start'],
  },
  {
    name: 'a problem has another title and the same description',
    before: `# Known issues\n\n${pool()}\n${slow}`,
    after: `# Known issues\n\n${pool().replace('Pool is empty', 'Connections leak')}\n${slow}`,
    actions: ['unchanged Connections leak', 'unchanged Slow start'],
    records: ['active Pool is empty db/pool-is-empty', 'active Slow start db/slow-start'],
  },
  {
    name: 'one problem is split into two: the one that keeps the title keeps the record',
    before: `# Known issues\n\n${pool()}`,
    after: `# Known issues\n\n${pool()}\n### 2. Worker never closes its connection\n\n**Problem**: one each hour\n**Root cause**: no finally\n`,
    actions: ['unchanged Pool is empty', 'added Worker never closes its connection'],
    records: [
      'active Pool is empty db/pool-is-empty',
      'active Worker never closes its connection db/worker-never-closes-its-connection',
    ],
  },
  {
    name: 'two problems are merged into one: the other record is reported and stays',
    before: `# Known issues\n\n${pool()}\n${slow}`,
    after: `# Known issues\n\n${pool('**Impact**: the start is slow too')}`,
    actions: ['updated Pool is empty', 'gone Slow start'],
    records: ['active Pool is empty db/pool-is-empty', 'active Slow start db/slow-start'],
  },
  {
    name: 'a box of a list is ticked',
    before: '# Known issues\n\n- [ ] Export stops at 2 GB\n- [ ] Names with umlauts are cut\n',
    after: '# Known issues\n\n- [x] Export stops at 2 GB\n- [ ] Names with umlauts are cut\n',
    actions: ['updated Export stops at 2 GB', 'unchanged Names with umlauts are cut'],
    records: [
      'resolved Export stops at 2 GB db/export-stops-at-2-gb',
      'active Names with umlauts are cut db/names-with-umlauts-are-cut',
    ],
  },
  {
    name: 'a list becomes headings with labels',
    before: '# Known issues\n\n- Pool is empty\n- Slow start\n',
    after: `# Known issues\n\n${pool()}\n${slow}`,
    actions: ['updated Pool is empty', 'updated Slow start'],
    records: ['active Pool is empty db/pool-is-empty', 'active Slow start db/slow-start'],
  },
  {
    name: 'a resolved problem is struck through',
    before: `# Known issues\n\n${pool()}`,
    after: `# Known issues\n\n${pool().replace('1. Pool is empty', '~~1. Pool is empty~~')}`,
    actions: ['updated Pool is empty'],
    records: ['resolved Pool is empty db/pool-is-empty'],
  },
  {
    name: 'all of a file is cleared',
    before: `# Known issues\n\n${pool()}\n${slow}`,
    after: '# Known issues\n\nNone at the moment.\n',
    actions: ['gone Pool is empty', 'gone Slow start'],
    records: ['active Pool is empty db/pool-is-empty', 'active Slow start db/slow-start'],
  },
];

describe('a second version of a file', () => {
  it.each(histories)('$name', ({ before, after, actions, records }) => {
    const first = imported(before);
    const second = imported(after, first.text);
    expect(second.items.map(({ action, title }) => `${action} ${title}`)).toEqual(actions);
    expect(recordsOf(second.text)).toEqual(records);
    expect(imported(after, second.text).text).toBe(second.text);
  });

  const steps = (...items: readonly string[]): string =>
    `# Known issues\n\n${pool('**Steps to reproduce**:', ...items.map((item, at) => `${at + 1}. ${item}`))}`;
  const before = steps('Start two workers', 'Kill one');

  it('with other steps in a list changes the list of the record', () => {
    const { text, items } = imported(steps('Start three workers', 'Kill one', 'Wait'), imported(before).text);
    expect(items).toMatchObject([{ action: 'updated', changes: [{ name: 'Reproduction Steps', refused: null }] }]);
    expect(readRegistry(text, reading).records).toMatchObject([
      { reproductionSteps: ['Start three workers', 'Kill one', 'Wait'] },
    ]);
  });

  it('leaves a list that someone has edited since', () => {
    const edited = setList(imported(before).text, 'db/pool-is-empty', 'Reproduction Steps', ['Mine'], reading);
    const { text, items } = imported(steps('Start three workers'), edited);
    expect(items[0]?.changes).toMatchObject([
      { name: 'Reproduction Steps', refused: 'someone has edited it since it was imported' },
    ]);
    expect(readRegistry(text, reading).records).toMatchObject([{ reproductionSteps: ['Mine'] }]);
  });
});
