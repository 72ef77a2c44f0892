import { globSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addErrorMessage,
  addItem,
  addRecord,
  moveRecord,
  newRecord,
  resolveRecord,
  setEstimate,
  setField,
  setHeader,
  setList,
  setProse,
} from '../../src/registry/edit/index.ts';
import type { KindDeclaration } from '../../src/registry/kinds/declaration.ts';
import { kinds } from '../../src/registry/kinds/index.ts';
import { readRegistry } from '../../src/registry/parse/read.ts';
import { runsOf } from '../soak.ts';

const options = { path: 'PROBLEMS.md', component: 'postgres' };
const postgres = readFileSync('fixtures/resources/postgres/PROBLEMS.md', 'utf8');
const ports = 'postgres/port-allocation-conflicts';

function find(text: string, id: string) {
  return readRegistry(text, options).records.find((record) => record.id === id);
}

/** The text before the first and after the last character in which two texts differ. */
function untouched(before: string, after: string): { readonly head: number; readonly tail: number } {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head++;
  let tail = 0;
  while (tail < before.length - head && tail < after.length - head && before.at(-1 - tail) === after.at(-1 - tail))
    tail++;
  return { head, tail };
}

const forms = [
  ['LF', (text: string) => text],
  ['CRLF', (text: string) => text.replaceAll('\n', '\r\n')],
  ['a byte-order mark', (text: string) => `\uFEFF${text}`],
] as const;

const registries = globSync('fixtures/{resources,tree}/**/PROBLEMS.md')
  .toSorted()
  .map((path) => readFileSync(path, 'utf8'))
  .filter((text) => readRegistry(text, options).records.length > 0);

describe.each(forms)('editing a registry with %s', (_, form) => {
  it('sets a header value of any record without changing a byte outside it', () => {
    const choices = registries.flatMap((registry) => {
      const text = form(registry);
      return readRegistry(text, options).records.flatMap((record) => {
        const kind: KindDeclaration | undefined = kinds.find((candidate) => candidate.name === record.kind);
        return Object.entries(kind?.header ?? {}).flatMap(([label, slot]) =>
          slot.value.type === 'term'
            ? Object.keys(slot.value.terms).map((term) => ({ text, id: record.id, label, term }))
            : [],
        );
      });
    });
    fc.assert(
      fc.property(fc.constantFrom(...choices), ({ text, id, label, term }) => {
        const after = setHeader(text, id, label, term, options);
        const { head, tail } = untouched(text, after);
        const record = find(text, id);
        const place = record?.places[label.charAt(0).toLowerCase() + label.slice(1)];
        if (place !== undefined && after !== text) {
          expect(head).toBeGreaterThanOrEqual(place.offset);
          expect(text.length - tail).toBeLessThanOrEqual(place.endOffset);
        }
        expect(find(after, id)).toMatchObject({ [label.charAt(0).toLowerCase() + label.slice(1)]: term });
        expect(setHeader(after, id, label, term, options)).toBe(after);
      }),
      { numRuns: runsOf(25) },
    );
  });

  it('sets an estimate in place and keeps its comment and the other keys', () => {
    const text = form(postgres);
    const after = setEstimate(text, ports, 'success_prob', 0.55, options);
    expect(find(after, ports)).toMatchObject({
      priorityEstimates: { impact: 8, urgency: 'high', successProb: 0.55, resourceCost: 'moderate' },
    });
    expect(after.length - text.length).toBe('0.55'.length - '0.9'.length);
  });

  it('adds an estimate to a record that has none', () => {
    const text = form(
      '<!-- EMBED:ACTIVEPROBLEM:START -->\n### T\n**Status:** active\n<!-- EMBED:ACTIVEPROBLEM:END -->\n',
    );
    const once = setEstimate(text, 'postgres/t', 'impact', 3, options);
    const twice = setEstimate(once, 'postgres/t', 'urgency', 'low', options);
    expect(find(twice, 'postgres/t')).toMatchObject({ priorityEstimates: { impact: 3, urgency: 'low' } });
    expect(/(?<!\r)\n/.test(twice)).toBe(/(?<!\r)\n/.test(text));
  });

  it.each([
    'urgency: high',
    'urgency: high # why',
    'urgency: [high]',
    'urgency: [ high ] # why',
    'urgency: "high"',
    "urgency: 'high'",
    'urgency: [critical|high|medium|low]',
    'urgency: critical|high|medium|low',
    'urgency:',
    'urgency: ',
    'urgency: # todo',
    'urgency: null',
    'urgency: ~ # none',
    'urgency: hihg',
    'urgency: "[a|b]"',
    'urgency: {x: [y]}',
    'urgency: >-\n  high',
    'urgency:\n  - high',
    '"urgency" : "high"',
  ])('sets an estimate that is written as %s', (line) => {
    const text = form(
      `<!-- EMBED:ACTIVEPROBLEM:START -->\n### T\n\n#### Priority Estimates\n\`\`\`yaml\nimpact: 3\n${line}\nsuccess_prob: 0.5 # s\n\`\`\`\n<!-- EMBED:ACTIVEPROBLEM:END -->\n`,
    );
    const after = setEstimate(text, 'postgres/t', 'urgency', 'low', options);
    expect(find(after, 'postgres/t')).toMatchObject({
      priorityEstimates: { impact: 3, urgency: 'low', successProb: 0.5 },
    });
    const { head, tail } = untouched(text, after);
    expect(head).toBeGreaterThanOrEqual(text.indexOf('urgency'));
    expect(text.length - tail).toBeLessThanOrEqual(text.indexOf('success_prob'));
    expect(after.includes('#')).toBe(true);
    for (const note of ['# why', '# todo', '# none', '# s']) expect(after.includes(note)).toBe(text.includes(note));
  });

  it.each([
    'impact: "8"',
    'impact: [1-10]',
    'impact: 11 # much',
    '{impact: , urgency: low}',
    '{urgency: low, impact: [8]}',
  ])('sets a number that is written as %s', (line) => {
    const text = form(
      `<!-- EMBED:ACTIVEPROBLEM:START -->\n### T\n\n#### Priority Estimates\n\`\`\`yaml\n${line}\n\`\`\`\n<!-- EMBED:ACTIVEPROBLEM:END -->\n`,
    );
    const after = setEstimate(text, 'postgres/t', 'impact', 7, options);
    expect(find(after, 'postgres/t')).toMatchObject({ priorityEstimates: { impact: 7 } });
  });

  it('adds a missing label after the last one', () => {
    const text = form(
      '<!-- EMBED:ACTIVEPROBLEM:START -->\n### T\n**Status:** active\n\n#### Description\nX\n<!-- EMBED:ACTIVEPROBLEM:END -->\n',
    );
    const after = setHeader(text, 'postgres/t', 'Severity', 'low', options);
    expect(after).toBe(
      form(text.replaceAll('\r\n', '\n').replace('active\n', 'active\n**Severity:** low\n').replace('\uFEFF', '')),
    );
  });

  it('sets a field to several lines', () => {
    const after = setField(
      form(postgres),
      ports,
      'Investigation Status',
      'Attempted Solutions',
      'first\nthen second',
      options,
    );
    expect(find(after, ports)).toMatchObject({ investigationStatus: { attemptedSolutions: 'first\nthen second' } });
  });

  it.for([
    [
      'a list of lines with comments',
      'error_messages:\n    - "a" # seen once\n    - b\nmetrics:\n  x: "1"',
      ['a', 'b'],
    ],
    ['a list that is not indented', 'error_messages:\n- a', ['a']],
    ['a list on one line', 'error_messages: ["a", b] # both', ['a', 'b']],
    ['no list yet', 'metrics:\n  x: "1"', []],
    ['a key with nothing behind it', 'error_messages:\nmetrics:\n  x: "1"', []],
    ['a key with a comment behind it', 'error_messages: # as printed\nmetrics: # names', []],
    ['a list of one quoted text', 'error_messages: ["a b"]', ['a b']],
    ['no evidence yet', undefined, []],
  ] as const)('a message is inserted before the others of %s', ([, yaml, known]) => {
    const section = yaml === undefined ? '' : `\n#### Evidence\n\`\`\`yaml\n${yaml}\n\`\`\`\n`;
    const text = form(
      `<!-- EMBED:ACTIVEPROBLEM:START -->\n### One\n**ID:** one\n\n#### Description\nd\n${section}<!-- EMBED:ACTIVEPROBLEM:END -->\n`,
    );
    const message = 'FATAL: `x` <!-- EMBED:ACTIVEPROBLEM:END --> "y"\nz: # \\';
    const after = addErrorMessage(text, 'one', message, options);
    expect(find(after, 'one')).toMatchObject({ evidence: { errorMessages: [message, ...known] } });
    const { head, tail } = untouched(text, after);
    expect(head + tail).toBe(text.length);
  });

  it('adds a field and an item before HTML at the end of their section', () => {
    const text = form(
      '<!-- EMBED:INTERMITTENTPROBLEM:START -->\n### T\n\n#### Problem Pattern\n- **Triggers:** a\n\n<div>x</div>\n\n#### Investigation Notes\n- one\n\n<div>y</div>\n\n<!-- EMBED:INTERMITTENTPROBLEM:END -->\n',
    );
    const once = setField(text, 'postgres/t', 'Problem Pattern', 'Recovery', 'b', options);
    expect(find(addItem(once, 'postgres/t', 'Investigation Notes', 'two', options), 'postgres/t')).toMatchObject({
      problemPattern: { triggers: 'a', recovery: 'b' },
      investigationNotes: ['one', 'two'],
      extra: { 'Problem Pattern': '<div>x</div>', 'Investigation Notes': '<div>y</div>' },
    });
  });

  it('replaces an active record by a resolved one', () => {
    const text = form(postgres);
    const before = find(text, ports);
    const after = resolveRecord(
      text,
      ports,
      {
        resolved: '2025-09-09',
        resolution: 'configuration',
        changesMade: 'The port was moved.',
        validation: 'A query through the new port.',
      },
      options,
    );
    expect(find(after, ports)).toMatchObject({
      kind: 'resolved',
      resolved: '2025-09-09',
      resolution: 'configuration',
      problemSummary: expect.any(String),
    });
    expect(after.startsWith(text.slice(0, before?.place.offset))).toBe(true);
    expect(after.endsWith(text.slice(before?.place.endOffset))).toBe(true);
    expect(readRegistry(after, options).diagnostics.filter((diagnostic) => diagnostic.severity === 'error')).toEqual(
      [],
    );
  });

  it('moves a record and its markers under another heading, and nothing else', () => {
    const block = '<!-- EMBED:ACTIVEPROBLEM:START -->\n### T\n<!-- EMBED:ACTIVEPROBLEM:END -->';
    const text = form(`# P\n\n## Active\n\n${block}\n\nafter\n\n## Resolved\n\nnone yet\n\n## Else\n`);
    expect(moveRecord(text, 'postgres/t', 'Resolved', options)).toBe(
      form(`# P\n\n## Active\n\nafter\n\n## Resolved\n\nnone yet\n\n${block}\n\n## Else\n`),
    );
  });

  it('adds a record at the end', () => {
    const block = '<!-- EMBED:ACTIVEPROBLEM:START -->\n### New one\n<!-- EMBED:ACTIVEPROBLEM:END -->\n';
    const after = addRecord(form(postgres), block);
    expect(after.startsWith(form(postgres))).toBe(true);
    expect(find(after, 'postgres/new-one')).toMatchObject({ kind: 'active' });
  });
});

describe('adding an error message', () => {
  const text = (line: string) =>
    `<!-- EMBED:ACTIVEPROBLEM:START -->\n### T\n\n#### Evidence\n\`\`\`yaml\n${line}\n\`\`\`\n<!-- EMBED:ACTIVEPROBLEM:END -->\n`;

  it.each(['error_messages:', 'error_messages: null', 'error_messages: ~ # none'])(
    'fills a key without a value: %s',
    (line) => {
      const after = addErrorMessage(text(line), 'postgres/t', 'it failed', options);
      expect(find(after, 'postgres/t')).toMatchObject({ evidence: { errorMessages: ['it failed'] } });
      expect(after.includes('# none')).toBe(line.includes('# none'));
    },
  );

  it.each(['error_messages: see the wiki', 'error_messages: {x: 1}', 'error_messages: "null"'])(
    'is refused for a value that is not a list: %s',
    (line) => {
      expect(() => addErrorMessage(text(line), 'postgres/t', 'it failed', options)).toThrow(
        expect.objectContaining({ code: 'bad-usage' }),
      );
    },
  );
});

describe('an edit that would change more than its target', () => {
  it.each([
    ['a value that is no term', () => setHeader(postgres, ports, 'Severity', 'terrible', options)],
    ['a value over two lines', () => setHeader(postgres, ports, 'Discovered By', 'a\n### b', options)],
    [
      'a marker as a value',
      () =>
        setField(
          postgres,
          ports,
          'Investigation Status',
          'Workarounds',
          'x\n\n<!-- EMBED:ACTIVEPROBLEM:END -->',
          options,
        ),
    ],
    ['an estimate out of range', () => setEstimate(postgres, ports, 'impact', 11, options)],
    ['an unknown label', () => setHeader(postgres, ports, 'Mood', 'good', options)],
  ])('is refused: %s', (_, edit) => {
    expect(edit).toThrow(expect.objectContaining({ code: 'bad-usage' }));
  });

  it('suggests the nearest id for an unknown one', () => {
    expect(() => setHeader(postgres, 'postgres/port-allocation-conflict', 'Severity', 'low', options)).toThrow(
      expect.objectContaining({ code: 'not-found', hint: `Did you mean ${ports}?` }),
    );
  });
});

describe('the prose of a section', () => {
  const text = `<!-- EMBED:ACTIVEPROBLEM:START -->

### Pool is empty

**Status:** [active]

#### Description

Clients wait.

<!-- EMBED:ACTIVEPROBLEM:END -->
`;

  it('is replaced, or added with its section, and every other byte stays', () => {
    const changed = setProse(text, 'root/pool-is-empty', 'Description', 'Clients wait\n\n- for a minute\n  or two');
    expect(changed).toBe(text.replace('Clients wait.', 'Clients wait\n\n- for a minute\n  or two'));
    const added = setProse(text, 'root/pool-is-empty', 'Proposed Solution', 'Raise the limit.');
    expect(added).toBe(
      text.replace('Clients wait.\n\n', 'Clients wait.\n\n#### Proposed Solution\n\nRaise the limit.\n\n'),
    );
  });

  it.each(['#### Evidence', '<!-- EMBED:ACTIVEPROBLEM:END -->', '```'])(
    'is refused if it would be something else: %s',
    (value) => {
      expect(() => setProse(text, 'root/pool-is-empty', 'Description', value)).toThrow(
        'without changing something else',
      );
    },
  );
});

describe('the items of a list', () => {
  const text =
    '<!-- EMBED:ACTIVEPROBLEM:START -->\r\n### T\r\n\r\n#### Reproduction Steps\r\n\r\n1. one\r\n2. two\r\n\r\n<div>x</div>\r\n\r\n<!-- EMBED:ACTIVEPROBLEM:END -->\r\n';

  it('are replaced, with their continuation lines, and what follows them stays', () => {
    const after = setList(text, 'postgres/t', 'Reproduction Steps', ['start', 'wait\nfor a minute', 'stop'], options);
    expect(find(after, 'postgres/t')).toMatchObject({ reproductionSteps: ['start', 'wait\nfor a minute', 'stop'] });
    expect(after).toBe(text.replace('1. one\r\n2. two', '1. start\r\n2. wait\r\n   for a minute\r\n3. stop'));
  });

  it('are added with their section', () => {
    const bare = '<!-- EMBED:ACTIVEPROBLEM:START -->\n### T\n\n<!-- EMBED:ACTIVEPROBLEM:END -->\n';
    const after = setList(bare, 'postgres/t', 'Reproduction Steps', ['start'], options);
    expect(find(after, 'postgres/t')).toMatchObject({ reproductionSteps: ['start'] });
  });

  it.each([
    [[], 'Cannot set these items'],
    [[''], 'Cannot set these items'],
    [['<!-- EMBED:ACTIVEPROBLEM:END -->'], 'changing something else'],
  ])('are refused if they would be something else: %j', (items, message) => {
    expect(() => setList(text, 'postgres/t', 'Reproduction Steps', items, options)).toThrow(message);
  });

  it('are not replaced together with a comment between them', () => {
    const noted = text.replace('2. two', '<!-- why -->\r\n2. two');
    expect(() => setList(noted, 'postgres/t', 'Reproduction Steps', ['start'], options)).toThrow('comment');
  });
});

describe('a new record that may be incomplete', () => {
  it('leaves out what is not given, and asks for nothing', () => {
    const active = kinds.find(({ name }) => name === 'active');
    const values = [
      ['title', 'Pool is empty'],
      ['Severity', 'high'],
      ['Investigation Status.Root Cause', 'A leak:\n\n- in the worker'],
    ] as const;
    const record = active === undefined ? '' : newRecord(active, values, { missing: 'omit' });
    expect(record).toBe(`<!-- EMBED:ACTIVEPROBLEM:START -->

### Pool is empty

**Severity:** [high]

#### Investigation Status

- **Root Cause:** A leak:
${'  '}
  - in the worker

<!-- EMBED:ACTIVEPROBLEM:END -->
`);
    expect(readRegistry(record).diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  });
});
