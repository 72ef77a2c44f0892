import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ImportPlan, planImport } from '../../src/import/plan.ts';
import { setField, setHeader } from '../../src/registry/edit/index.ts';
import { readRegistry } from '../../src/registry/parse/read.ts';
import { anyMarkdown, readable } from '../registry/parse/markdown-texts.ts';
import { runsOf } from '../soak.ts';

const reading = { path: 'PROBLEMS.md', component: 'db' };

/** Imports a registry into itself. */
function inPlace(text: string, minConfidence = 0): ImportPlan {
  const target = { ...reading, text, exists: () => true };
  return planImport(target, [{ path: 'PROBLEMS.md', from: '.', text }], { minConfidence });
}

/** Imports a file of another name into a registry. */
function beside(
  source: string,
  text = '# Problems\n',
  from = 'KNOWN_ISSUES.md',
  exists: (from: string) => boolean = (one) => one === from,
): ImportPlan {
  return planImport({ ...reading, text, exists }, [{ path: from, from, text: source }], { minConfidence: 0 });
}

function actions(plan: ImportPlan): readonly string[] {
  return plan.items.map(({ action, title }) => `${action} ${title}`);
}

function recordsIn(text: string) {
  return readRegistry(text, reading).records;
}

function errorsIn(text: string): readonly string[] {
  return readRegistry(text, reading).diagnostics.flatMap(({ severity, message }) =>
    severity === 'error' ? [message] : [],
  );
}

function problem(title: string, ...lines: readonly string[]): string {
  return [`### ${title}`, '**Problem**: clients wait', '**Root cause**: a leak', ...lines, ''].join('\n');
}

const issues = `# Known issues\n\n${problem('1. Pool is empty')}\n${problem('2. Slow start', '**Files**: `a.ts`')}\n`;

describe('an import in place', () => {
  it('puts records where their text was, and keeps every other byte', () => {
    const text = `\uFEFF# Known issues\r\n\r\nRead this first.  \r\n\r\n${problem('1. Pool is empty').replaceAll('\n', '\r\n')}\r\n---\r\n\r\n## End\r\n`;
    const { text: after } = inPlace(text);
    expect(
      after.startsWith('\uFEFF# Known issues\r\n\r\nRead this first.  \r\n\r\n<!-- EMBED:ACTIVEPROBLEM:START -->\r\n'),
    ).toBe(true);
    expect(after.endsWith('<!-- EMBED:ACTIVEPROBLEM:END -->\r\n\r\n---\r\n\r\n## End\r\n')).toBe(true);
    expect(after.replaceAll('\r\n', '')).not.toContain('\n');
    expect(recordsIn(after)).toMatchObject([
      {
        kind: 'active',
        id: 'db/pool-is-empty',
        description: 'clients wait',
        investigationStatus: { rootCause: 'a leak' },
      },
    ]);
  });

  it('states no term that no line states', () => {
    const [record] = recordsIn(inPlace(issues).text);
    expect(Object.keys(record?.places ?? {})).toEqual([
      'title',
      'description',
      'investigationStatus',
      'investigationStatus.rootCause',
    ]);
  });

  it('keeps lines that have no field as text of the record', () => {
    const { text } = inPlace(issues);
    expect(text).toContain('clients wait\n\n**Files**: `a.ts`\n');
  });

  it('changes no byte when it is made again', () => {
    const { text } = inPlace(issues);
    const again = inPlace(text);
    expect(again.text).toBe(text);
    expect(actions(again)).toEqual([]);
  });

  it('gives records of one title different ids', () => {
    const { text } = inPlace(`# Known issues\n\n${problem('Pool is empty')}\n${problem('2. Pool is empty')}`);
    expect(recordsIn(text).map(({ id }) => id)).toEqual(['db/pool-is-empty', 'db/pool-is-empty-2']);
    expect(errorsIn(text)).toEqual([]);
  });

  it('leaves text where it is if the record cannot say all of it', () => {
    const open = `# Known issues\n\n${problem('Pool is empty', '**Note**: see', '```', 'never closed')}`;
    const { text } = inPlace(open);
    expect(text.startsWith(open.trimEnd())).toBe(true);
    expect(inPlace(text).text).toBe(text);
  });

  it('takes rows out of a table if their records say all of their cells, and puts the records behind it', () => {
    const table = ['# Problems', '', '| # | Issue | Severity | Workaround | Owner |', '|---|---|---|---|---|'];
    const rows = ['| 1 | Export fails | High | Split the file | |', '| 2 | Import hangs | Low | - | Kim |'];
    const { text } = inPlace([...table, ...rows, '', 'End.', ''].join('\n'));
    const [head, rest = ''] = text.split('\n\n<!-- EMBED:ACTIVEPROBLEM:START -->\n\n### Export fails\n');
    expect(head).toBe([...table, rows[1]].join('\n'));
    expect(recordsIn(text)).toMatchObject([
      { title: 'Export fails', severity: 'high', investigationStatus: { workarounds: 'Split the file' } },
      { title: 'Import hangs', severity: 'low' },
    ]);
    expect(rest).toContain('\n\nEnd.\n');
    expect(inPlace(text).text).toBe(text);
  });

  it('writes markers of a text as text', () => {
    const hostile = problem(
      'Pool is empty',
      '**Workaround**: `<!-- EMBED:ACTIVEPROBLEM:END -->`',
      '**Impact**: --> <!-- imported: {} -->',
    );
    const { text } = inPlace(`# Known issues\n\n${hostile}`);
    expect(errorsIn(text)).toEqual([]);
    expect(inPlace(text).text).toBe(text);
  });

  it('takes nothing below the confidence that is asked for, and says why', () => {
    const plan = inPlace(issues, 2);
    expect(plan.text).toBe(issues);
    expect(actions(plan)).toEqual(['unsure Pool is empty', 'unsure Slow start']);
  });
});

describe('an import from another file', () => {
  const { text: registry } = beside(issues);

  it('adds records, which keep where they came from', () => {
    expect(recordsIn(registry).map(({ id }) => id)).toEqual(['db/pool-is-empty', 'db/slow-start']);
    expect(registry).toContain('<!-- imported: {"from":"KNOWN_ISSUES.md","title":"poolisempty","occurrence":1,');
    expect(errorsIn(registry)).toEqual([]);
  });

  it('changes nothing while the file says the same', () => {
    const moved = `# Known issues\n\nNew words above.\n\n${problem('7. Slow start', '', '**Files**: `a.ts`  ')}\n${problem('#### Pool is empty'.slice(5))}`;
    const plan = beside(moved, registry);
    expect(plan.items.map(({ action }) => action)).toEqual(['unchanged', 'unchanged']);
    expect(plan.text).toBe(registry);
  });

  it('changes the field that the file says differently, and nothing else', () => {
    const plan = beside(issues.replace('a leak', 'a leak in the worker'), registry);
    expect(actions(plan)).toEqual(['updated Pool is empty', 'unchanged Slow start']);
    expect(plan.items[0]?.changes).toEqual([
      { name: 'Investigation Status.Root Cause', value: 'a leak in the worker', refused: null },
    ]);
    const lines = (text: string) => text.split('\n').filter((line) => !line.startsWith('<!-- imported:'));
    expect(lines(plan.text)).toEqual(lines(registry.replace('a leak', 'a leak in the worker')));
    expect(beside(issues.replace('a leak', 'a leak in the worker'), plan.text).text).toBe(plan.text);
  });

  it('never changes a field that someone has edited since, and reports it once', () => {
    const edited = setField(
      registry,
      'db/pool-is-empty',
      'Investigation Status',
      'Root Cause',
      'the pool is too small',
      reading,
    );
    const source = issues.replace('a leak', 'a leak in the worker').replace('clients wait', 'clients wait long');
    const plan = beside(source, edited);
    expect(plan.items[0]?.changes).toMatchObject([
      { name: 'Investigation Status.Root Cause', refused: 'someone has edited it since it was imported' },
      { name: 'Description', refused: null },
    ]);
    expect(recordsIn(plan.text)[0]).toMatchObject({
      description: 'clients wait long',
      investigationStatus: { rootCause: 'the pool is too small' },
    });
    expect(actions(beside(source, plan.text))).toEqual(['unchanged Pool is empty', 'unchanged Slow start']);
  });

  it('turns a record into a resolved one when its problem is', () => {
    const plan = beside(issues.replace('Pool is empty', 'Pool is empty (FIXED)'), registry);
    expect(plan.items[0]).toMatchObject({
      action: 'updated',
      id: 'db/pool-is-empty',
      changes: [{ name: 'kind', value: 'resolved' }],
    });
    expect(recordsIn(plan.text)).toMatchObject([
      {
        kind: 'resolved',
        id: 'db/pool-is-empty',
        problemSummary: 'clients wait',
        rootCause: { technicalCause: 'a leak' },
      },
      { kind: 'active' },
    ]);
    const reopened = beside(issues, plan.text);
    expect(recordsIn(reopened.text).map(({ kind }) => kind)).toEqual(['active', 'active']);
    expect(errorsIn(reopened.text)).toEqual([]);
  });

  it('sets the status alone if someone has added to the record, and opens it again', () => {
    const estimated = setHeader(registry, 'db/pool-is-empty', 'Frequency', 'rare', reading);
    const fixed = issues.replace('Pool is empty', 'Pool is empty (FIXED)');
    const plan = beside(fixed, estimated);
    expect(plan.items[0]?.changes).toEqual([{ name: 'Status', value: 'resolved', refused: null }]);
    expect(recordsIn(plan.text)[0]).toMatchObject({ kind: 'active', status: 'resolved', frequency: 'rare' });
    expect(beside(fixed, plan.text).text).toBe(plan.text);
  });

  it('finds a record again by a similar title, and keeps its id', () => {
    const plan = beside(issues.replace('Slow start', 'Slow starts'), registry);
    expect(recordsIn(plan.text).map(({ id }) => id)).toEqual(['db/pool-is-empty', 'db/slow-start']);
    expect(plan.items.map(({ action }) => action)).not.toContain('gone');
    expect(beside(issues.replace('Slow start', 'Slow starts'), plan.text).text).toBe(plan.text);
  });

  it('reports a record whose text is gone, and keeps it', () => {
    const plan = beside(`# Known issues\n\n${problem('1. Pool is empty')}`, registry);
    expect(actions(plan)).toEqual(['unchanged Pool is empty', 'gone Slow start']);
    expect(plan.text).toBe(registry);
  });

  it('reports the records of a file that is gone', () => {
    const plan = planImport({ ...reading, text: registry, exists: () => false }, [], { minConfidence: 0 });
    expect(actions(plan)).toEqual(['gone Pool is empty', 'gone Slow start']);
  });

  it('takes a renamed file for the same source', () => {
    const plan = beside(issues, registry, 'ISSUES.md');
    expect(plan.text).toBe(registry.replaceAll('"KNOWN_ISSUES.md"', '"ISSUES.md"'));
    expect(beside(issues, plan.text, 'ISSUES.md').text).toBe(plan.text);
  });

  it('never changes a record that was not imported from there', () => {
    const own =
      '# Problems\n\n<!-- EMBED:ACTIVEPROBLEM:START -->\n### Pool is empty\n<!-- EMBED:ACTIVEPROBLEM:END -->\n';
    const plan = beside(`# Known issues\n\n${problem('Pool is empty (FIXED)')}`, own);
    expect(plan.text).toBe(own);
    expect(plan.items).toMatchObject([
      { action: 'known', reasons: ['A record has this title.', 'The record is open, and here it is resolved.'] },
    ]);
  });
});

describe('any text', () => {
  const labelled = fc
    .array(fc.constantFrom('Pool is empty', 'Slow `start`', 'A <b>', '#', 'Evidence', '[a|b]', 'ÄÖ 漢字', '1. x'), {
      minLength: 1,
      maxLength: 4,
    })
    .chain((titles) =>
      fc.tuple(fc.constant(titles), fc.array(anyMarkdown, { minLength: titles.length, maxLength: titles.length })),
    )
    .map(([titles, texts]) =>
      titles.map((title, at) => problem(title, `**Workaround**: ${texts[at] ?? ''}`)).join('\n'),
    );

  it.each([
    ['of blocks of Markdown', anyMarkdown],
    ['of problems with such blocks', labelled],
  ])('%s is imported without an error, and a second import changes no byte', (_, texts) => {
    fc.assert(
      fc.property(texts, (text) => {
        const { text: after } = inPlace(text);
        expect(errorsIn(after).length).toBeLessThanOrEqual(errorsIn(text).length);
        expect(inPlace(after).text).toBe(after);
        const registry = beside(text).text;
        expect(beside(text, registry).text).toBe(registry);
        expect(errorsIn(registry)).toEqual([]);
      }),
      { numRuns: runsOf(12) },
    );
  });

  it('of records is not changed at all', () => {
    for (const { text } of readable) {
      const blocks = recordsIn(text).map(({ place }) => text.slice(place.offset, place.endOffset));
      const registry = `# Problems\n\n${blocks.join('\n\n')}\n`;
      expect(inPlace(registry).text).toBe(registry);
    }
  });
});
