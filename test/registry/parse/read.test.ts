import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { prioritise } from '../../../src/priority/index.ts';
import { applyEdits } from '../../../src/registry/edit/edits.ts';
import { blankRecord } from '../../../src/registry/kinds/blank.ts';
import { kinds } from '../../../src/registry/kinds/index.ts';
import { readRegistry } from '../../../src/registry/parse/read.ts';
import type { ActiveProblem, ProblemRecord } from '../../../src/registry/record.ts';

const postgres = readFileSync('fixtures/resources/postgres/PROBLEMS.md', 'utf8');

function read(text: string) {
  return readRegistry(text, { path: 'resources/postgres/PROBLEMS.md', component: 'postgres' });
}

function codes(text: string): string[] {
  return read(text).diagnostics.map((diagnostic) => `${diagnostic.place.line}:${diagnostic.code}`);
}

function block(marker: string, ...lines: string[]): string {
  return [`<!-- EMBED:${marker}:START -->`, ...lines, `<!-- EMBED:${marker}:END -->`, ''].join('\n');
}

function only(text: string): ProblemRecord {
  const { records } = read(text);
  expect(records).toHaveLength(1);
  const [record] = records;
  if (record === undefined) throw new Error('one record was expected');
  return record;
}

function active(...lines: string[]): ActiveProblem {
  const record = only(block('ACTIVEPROBLEM', '### Title', ...lines));
  if (record.kind !== 'active') throw new Error('an active record was expected');
  return record;
}

describe('reading the registry of the PostgreSQL resource', () => {
  const { records, diagnostics } = read(postgres);

  it('finds ten records of five kinds in the order of the file', () => {
    expect(records.map((record) => `${record.kind} ${record.id}`)).toEqual([
      'active postgres/port-allocation-conflicts',
      'active postgres/database-connection-pool-exhaustion',
      'active postgres/instance-data-corruption-during-backup',
      'intermittent postgres/docker-volume-permission-issues',
      'intermittent postgres/schema-migration-race-conditions',
      'resolved postgres/memory-allocation-errors-in-production-template',
      'resolved postgres/pgweb-gui-connection-timeouts',
      'pattern postgres/multi-instance-resource-conflicts',
      'pattern postgres/data-integrity-and-backup-pattern',
      expect.stringMatching(/^integration postgres\//),
    ]);
  });

  it('reports no diagnostic', () => {
    expect(diagnostics).toEqual([]);
  });

  it('returns typed values under camelCase names of their labels', () => {
    const [ports] = records;
    expect(ports).toMatchObject({
      status: 'active',
      severity: 'high',
      frequency: 'frequent',
      impact: 'system_down',
      priorityEstimates: { impact: 8, urgency: 'high', successProb: 0.9, resourceCost: 'moderate' },
    });
  });

  it('returns the place of every value', () => {
    for (const record of records) {
      for (const [path, place] of Object.entries(record.places)) {
        const before = postgres.slice(0, place.offset).split('\n');
        expect(`${path} ${place.line}:${place.column}`).toBe(
          `${path} ${before.length}:${(before.at(-1) ?? '').length + 1}`,
        );
      }
      expect(postgres.slice(record.places['title']?.offset, record.places['title']?.endOffset)).toBe(record.title);
    }
  });
});

describe('reading terms', () => {
  it.each(['[high]', 'high', 'HIGH', ' [ High ] '])('reads %s as high', (text) => {
    expect(active(`**Severity:** ${text}`).severity).toBe('high');
  });

  it.each(['system_down', 'system-down', 'System Down', '[SYSTEM_DOWN]'])('reads %s as system_down', (text) => {
    expect(active(`**Impact:** ${text}`).impact).toBe('system_down');
  });

  it.each(["won't-fix", 'wont_fix', 'ignored', "[Won't Fix]"])("reads %s as won't-fix", (text) => {
    expect(active(`**Status:** ${text}`).status).toBe("won't-fix");
  });

  it.each(['environment-based', 'environmental', 'Environment based'])(
    'reads the alias %s as environmental',
    (text) => {
      expect(only(block('INTERMITTENTPROBLEM', '### T', `**Pattern:** [${text}]`))).toMatchObject({
        pattern: 'environmental',
      });
    },
  );

  it('suggests the nearest term for an unknown one', () => {
    const { diagnostics } = read(block('ACTIVEPROBLEM', '### T', '**Severity:** [hihg]'));
    expect(diagnostics.find((diagnostic) => diagnostic.code === 'term-unknown')).toMatchObject({
      severity: 'error',
      hint: 'Did you mean high?',
      place: { line: 3, column: 15, endColumn: 21 },
    });
  });

  it.each([
    '**Status:** [active|investigating]',
    '**Discovered:** YYYY-MM-DD',
    '**Last Occurrence:** [YYYY-MM-DD HH:MM]',
  ])('never uses the placeholder %s as a value', (line) => {
    const text = block('ACTIVEPROBLEM', '### T', line);
    expect(codes(text)).toContain('3:placeholder');
    const record = only(text);
    expect(record).not.toHaveProperty('status');
    expect(record).not.toHaveProperty('discovered');
    expect(record).not.toHaveProperty('lastOccurrence');
  });
});

describe('reading placeholders', () => {
  const fence = (title: string, ...lines: string[]) => [`#### ${title}`, '```yaml', ...lines, '```'];

  /** What is left of a record but what every record has. */
  function said(record: ProblemRecord): unknown {
    const { kind: _, id, title, component, path, place, places, ...values } = record;
    return values;
  }

  it.each([
    ['a term', ['**Status:** [active|resolved]']],
    ['a term without brackets', ['**Status:** active|resolved']],
    ['a term in a sequence of brackets', ['**Status:** [active]|[resolved]']],
    ['a day', ['**Discovered:** YYYY-MM-DD']],
    ['a day and a time', ['**Last Occurrence:** [YYYY-MM-DD HH:MM]']],
    ['a header text', ['**Discovered By:** [person|monitor]']],
    ['a header text that is a date', ['**Discovered By:** YYYY-MM-DD']],
    ['header tags', ['**Tags:** [#tag|#other]']],
    ['prose', ['#### Description', '[What happens|why]']],
    ['prose with a comment', ['#### Description', '[What happens|why] <!-- fill in -->']],
    ['an item', ['#### Reproduction Steps', '1. [First step|second step]']],
    ['a field', ['#### Impact Assessment', '- **Users Affected:** [all|some|none]']],
    ['a field that is a date', ['#### Impact Assessment', '- **Business Impact:** YYYY-MM-DD']],
    ['a field over two lines', ['#### Investigation Status', '- **Root Cause:** [Known|Suspected|', '  Unknown]']],
    ['tags', ['#### Tags', '[#tag|#other]']],
    ['a yaml term', fence('Priority Estimates', 'urgency: [critical|high]')],
    ['a yaml term without brackets', fence('Priority Estimates', 'resource_cost: minimal|moderate|heavy')],
    ['a yaml number', fence('Priority Estimates', 'impact: [1-10]')],
    ['a yaml list', fence('Evidence', 'logs: [a|b]')],
    ['a quoted text of a yaml list', fence('Evidence', 'logs: ["[a|b]"]')],
    ['an item of a yaml list', fence('Evidence', 'logs:', '  - [a|b]')],
    ['a quoted text of a yaml mapping', fence('Evidence', 'metrics: {x: "[a|b]"}')],
    ['a text of a yaml mapping', fence('Evidence', 'metrics:', '  x: YYYY-MM-DD')],
  ])('never uses them as values: %s', (_, lines) => {
    const text = block('ACTIVEPROBLEM', '### T', ...lines);
    const found = read(text).diagnostics.filter(({ code }) => !code.endsWith('-missing'));
    expect(found.map(({ code, severity }) => `${severity} ${code}`)).toEqual(['error placeholder']);
    expect(text.slice(found[0]?.place.offset, found[0]?.place.endOffset)).toMatch(/\||YYYY|1-10/);
    const isStatus = lines[0]?.startsWith('**Status:**') === true;
    expect(said(only(text))).toEqual({ extra: {}, ...(isStatus ? { unreadable: ['status'] } : {}) });
  });

  it('keeps the values next to them', () => {
    const record = active(
      '**Tags:** [#real] [#a|#b]',
      '#### Reproduction Steps',
      '1. [one|two]',
      '2. Wait',
      ...fence('Evidence', 'logs: ["[a|b]", real]', 'metrics: {x: [a|b], y: "2"}'),
    );
    expect(record).toMatchObject({
      tags: ['real'],
      reproductionSteps: ['Wait'],
      evidence: { logs: ['real'], metrics: { y: '2' } },
    });
    const place = record.places['reproductionSteps.0'];
    expect(place?.line).toBe(6);
  });

  it('does not accept one as a title', () => {
    const text = block('ACTIVEPROBLEM', '### [A problem|another]', '**Status:** active');
    expect(read(text).records).toEqual([]);
    expect(codes(text)).toEqual(['2:placeholder']);
  });

  it.each([
    'One of [a|b] is used.',
    '[a|b](https://example.org)',
    '[a|b][ref]',
    '[[Page|its name]]',
    '[the runbook](docs/a|b.md)',
    '[a] | [b]',
    '| a | b |\n| - | - |\n| c | d |',
    'Dates are written as YYYY-MM-DD.',
    'YYYY-MM-DD is the form',
    '[high]',
    'a|b',
  ])('reads %s as prose, because a placeholder is a whole value', (text) => {
    const record = active('#### Description', ...text.split('\n'));
    expect(record.description).toBe(text);
    expect(codes(block('ACTIVEPROBLEM', '### T', '#### Description', ...text.split('\n')))).not.toContain(
      '4:placeholder',
    );
  });

  it('reports each placeholder of a blank record once, and nothing else', () => {
    for (const kind of kinds) {
      const text = blankRecord(kind);
      const { diagnostics } = read(text);
      const lines = text
        .split('\n')
        .flatMap((line, at) => (/\[.*[|-].*\]|YYYY|^### Title of/.test(line) ? [at + 1] : []));
      expect(diagnostics.flatMap(({ code, place }) => (code === 'placeholder' ? [place.line] : []))).toEqual(lines);
      const others = diagnostics.filter(({ code }) => code !== 'placeholder');
      expect(others.filter(({ severity }) => severity === 'error')).toEqual([]);
      expect(new Set(others.map(({ place }) => place.line)).size).toBe(others.length);
    }
  });
});

describe('reading dates', () => {
  it.each([
    ['2025-01-31', '2025-01-31'],
    ['[2024-02-29]', '2024-02-29'],
    ['2025-01-31 14:05', '2025-01-31T14:05'],
    ['2025-01-31T14:05:09Z', '2025-01-31T14:05:09Z'],
    ['2025-01-31 14:05 UTC', '2025-01-31T14:05Z'],
    ['2025-01-31 14:05+0200', '2025-01-31T14:05+02:00'],
  ])('keeps %s as %s', (text, iso) => {
    expect(active(`**Last Occurrence:** ${text}`).lastOccurrence).toBe(iso);
  });

  it.each([
    '2025-02-29',
    '2025-13-01',
    '2025-00-10',
    '31.01.2025',
    'yesterday',
    '2025-01-31 25:00',
    '2025-01-31 10:61',
  ])('refuses %s', (text) => {
    expect(codes(block('ACTIVEPROBLEM', '### T', `**Discovered:** ${text}`))).toContain('3:date-invalid');
  });

  it.each([
    ['2025-06-03 10:00', '2025-06-03'],
    ['[2025-06-03T10:00:00Z]', '[2025-06-03]'],
  ])('reports the time in %s if only a day is expected, and keeps the day', (text, fixed) => {
    const registry = block('ACTIVEPROBLEM', '### T', `**Discovered:** ${text}`);
    expect(only(registry)).toMatchObject({ discovered: '2025-06-03' });
    const found = read(registry).diagnostics.find(({ code }) => code === 'date-time');
    expect(found).toMatchObject({ severity: 'warning', place: { line: 3 }, fix: { safe: false } });
    const after = applyEdits(registry, found?.fix?.edits ?? []);
    expect(after).toBe(registry.replace(text, fixed));
    expect(codes(after)).not.toContain('3:date-time');
  });

  it('reports a last occurrence that is before the discovery', () => {
    const text = block('ACTIVEPROBLEM', '### T', '**Discovered:** 2025-02-02', '**Last Occurrence:** 2025-02-01 23:59');
    expect(codes(text)).toContain('4:date-order');
  });
});

describe('reading yaml', () => {
  function estimates(...lines: string[]): string {
    return block('ACTIVEPROBLEM', '### T', '#### Priority Estimates', '```yaml', ...lines, '```');
  }

  it('reads numbers and terms before comments and trailing blanks', () => {
    const record = only(
      estimates('impact: 8   # high  ', 'urgency: [high]', 'success_prob: 0.9', 'resource_cost: "moderate"'),
    );
    expect(record).toMatchObject({
      priorityEstimates: { impact: 8, urgency: 'high', successProb: 0.9, resourceCost: 'moderate' },
    });
  });

  it.each([
    ['impact: 11', 'value-range'],
    ['success_prob: 1.5', 'value-range'],
    ['impact: high', 'value-type'],
    ['impact: "8"', 'value-type'],
    ['impact: .nan', 'value-type'],
    ['impact: 0x10', 'value-type'],
    ['urgency: hgih', 'term-unknown'],
    ['urgency: [critical|high|medium|low]', 'placeholder'],
    ['impact: [1-10]', 'placeholder'],
    ['impact: 8\nimpact: 9', 'yaml-key-repeated'],
    ['a: &x 1\nb: *x', 'yaml-unsafe'],
    ['impact: !!js/function "x"', 'yaml-unsafe'],
    ['__proto__: {x: 1}', 'yaml-unsafe'],
    ['<<: {impact: 3}', 'yaml-unsafe'],
    ['impact: [1, 2', 'yaml-syntax'],
    ['- impact', 'value-type'],
    ['effort: 3', 'yaml-key-unknown'],
  ])('reports %s as %s', (yaml, code) => {
    expect(read(estimates(...yaml.split('\n'))).diagnostics.map((diagnostic) => diagnostic.code)).toContain(code);
  });

  it.each([
    ['[high]', '[high]'],
    ['"high" # why', '"high"'],
    ["'high'", "'high'"],
    ['high', 'high'],
    ['[ high, ] # why ]', '[ high, ]'],
  ])('returns the whole place of %s', (written, place) => {
    const text = estimates('impact: 8', `urgency: ${written}`, 'success_prob: 0.9');
    const { offset, endOffset } = only(text).places['priorityEstimates.urgency'] ?? {};
    expect(text.slice(offset, endOffset)).toBe(place);
  });

  it.each(['hihg', '[hihg]', '"hihg"', '[ "hihg" ] # ]'])('offers a valid fix for %s', (written) => {
    const text = estimates('impact: 8', `urgency: ${written}`);
    const found = read(text).diagnostics.find(({ code }) => code === 'term-unknown');
    const after = applyEdits(text, found?.fix?.edits ?? []);
    expect(only(after)).toMatchObject({ priorityEstimates: { impact: 8, urgency: 'high' } });
  });

  it.each(['high', '[high]', '"high"', '[ "high" ] # ]'])(
    'offers a valid fix for %s if it contradicts the calibration',
    (written) => {
      const text = postgres.replace(/^urgency: high/m, `urgency: ${written}`);
      const { diagnostics } = prioritise(read(text).records);
      const found = diagnostics.find(({ code }) => code === 'estimate-contradiction');
      const [ports] = read(applyEdits(text, found?.fix?.edits ?? [])).records;
      expect(ports).toMatchObject({
        title: 'Port Allocation Conflicts',
        priorityEstimates: { impact: 8, urgency: 'critical', successProb: 0.9, resourceCost: 'moderate' },
      });
    },
  );

  it('keeps the whole value of an unknown key', () => {
    const record = only(
      estimates(
        'a: [x, "y"] # ]',
        'b: {x: 1, y: [2]}',
        'c:',
        '  - "one"',
        '  - "two"',
        'd: "q"',
        'e: |',
        '  long',
        '  text',
        'f: []',
      ),
    );
    expect(record.extra).toEqual({
      'Priority Estimates / a': '[x, "y"]',
      'Priority Estimates / b': '{x: 1, y: [2]}',
      'Priority Estimates / c': '- "one"\n  - "two"',
      'Priority Estimates / d': '"q"',
      'Priority Estimates / e': '|\n  long\n  text',
      'Priority Estimates / f': '[]',
    });
  });

  it.each(['impact: null', 'impact: ~', 'impact:', 'impact: # how much'])(
    'reports a required key without a value: %s',
    (line) => {
      const text = estimates(line, 'urgency: high', 'success_prob: 0.9', 'resource_cost: heavy');
      const found = read(text).diagnostics.find(({ code }) => code === 'yaml-key-missing');
      expect(found?.message).toBe('Missing key: impact.');
    },
  );

  it.each([
    ['in braces', ['metrics: {a: x, b: z, a: y}']],
    ['on lines', ['metrics:', '  a: x', '  b: z', '  a: y']],
    ['in quotes', ['metrics:', '  a: x', '  b: z', '  "a": y']],
  ])('uses the first of two equal names %s, and keeps and reports the other', (_, lines) => {
    const text = block('ACTIVEPROBLEM', '### T', '#### Evidence', '```yaml', ...lines, '```');
    expect(only(text)).toMatchObject({
      evidence: { metrics: { a: 'x', b: 'z' } },
      extra: { 'Evidence / metrics / a': 'y' },
    });
    expect(codes(text).filter((code) => code.endsWith('yaml-key-repeated'))).toHaveLength(1);
  });

  it('uses the first of two equal keys and keeps the rest of the record', () => {
    expect(only(estimates('impact: 8', 'impact: 9'))).toMatchObject({ priorityEstimates: { impact: 8 } });
  });

  it('cannot change the prototype of objects', () => {
    only(estimates('constructor: {prototype: {polluted: 1}}'));
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });
});

describe('names that a kind does not declare', () => {
  it('are kept as extra and reported', () => {
    const record = active(
      '**Mood:** bad',
      '',
      '#### Weather',
      'Rain.',
      '',
      '#### Impact Assessment',
      '- **Users Afected:** all',
    );
    expect(record.extra).toEqual({ Mood: 'bad', Weather: 'Rain.', 'Impact Assessment / Users Afected': 'all' });
  });

  it('are reported with the nearest known label', () => {
    const { diagnostics } = read(block('ACTIVEPROBLEM', '### T', '**Severty:** high'));
    expect(diagnostics.find((diagnostic) => diagnostic.code === 'label-unknown')).toMatchObject({
      hint: 'Did you mean Severity?',
    });
  });

  it('may be those of a whole block, which keeps its text', () => {
    const { unknown, diagnostics } = read(block('ACTIVEPROBLM', '### T'));
    expect(unknown).toMatchObject([{ marker: 'ACTIVEPROBLM', text: '\n### T\n' }]);
    expect(diagnostics).toMatchObject([{ code: 'marker-unknown', hint: 'Did you mean ACTIVEPROBLEM?' }]);
  });

  it('may be those of properties that every object has', () => {
    expect(Object.entries(active('**__proto__:** x', '**constructor:** y').extra)).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
  });
});

describe('reading values', () => {
  it('keeps inline Markdown, several lines and nested lists', () => {
    const record = active(
      '#### Impact Assessment',
      '- **Users Affected:** all of `team` *A*,',
      '  and [others](x)',
      '  - first',
      '    - deeper',
      '  - second',
    );
    expect(record.impactAssessment?.usersAffected).toBe(
      'all of `team` *A*,\nand [others](x)\n- first\n  - deeper\n- second',
    );
  });

  it('reads header values of several lines', () => {
    expect(active('**Discovered By:** the monitor', 'of the night shift', '**Status:** active')).toMatchObject({
      discoveredBy: 'the monitor\nof the night shift',
      status: 'active',
    });
  });

  it('ends a value before a trailing comment', () => {
    expect(active('**Status:** active <!-- since Monday -->').status).toBe('active');
  });

  it('reads the same values with CRLF and after a byte-order mark', () => {
    const strip = (record: ProblemRecord) => ({ ...record, place: undefined, places: undefined });
    const crlf = `\uFEFF${postgres.replaceAll('\n', '\r\n')}`;
    expect(read(crlf).records.map(strip)).toEqual(read(postgres).records.map(strip));
  });
});

describe('HTML in a record', () => {
  it.each([
    ['<p>It fails.</p>'],
    ['<div>\nIt fails.\n</div>'],
    ['Text.\n\n<details>end</details>'],
    ['<details><summary>More</summary>\ntext\n</details>\n\nlast'],
    ['<!-- note --> It fails.'],
    ['<!-- one --><b>It fails.</b>'],
  ])('is read as prose: %s', (html) => {
    const record = active('#### Description', html, '');
    expect(record.description).toBe(html);
  });

  it('is kept as extra and reported between fields, items and header lines', () => {
    const text = block(
      'INTERMITTENTPROBLEM',
      '### T',
      '<a id="t"></a>',
      '',
      '**Pattern:** random',
      '',
      '#### Problem Pattern',
      '- **Triggers:** a',
      '',
      '<div>b</div>',
      '',
      '#### Impact When Active',
      '- c',
      '',
      '<div>d</div>',
      '',
    );
    expect(only(text)).toMatchObject({
      pattern: 'random',
      problemPattern: { triggers: 'a' },
      impactWhenActive: ['c'],
      extra: { text: '<a id="t"></a>', 'Problem Pattern': '<div>b</div>', 'Impact When Active': '<div>d</div>' },
    });
    expect(codes(text)).toEqual(expect.arrayContaining(['3:text-stray', '10:section-shape', '15:section-shape']));
  });

  it.each(['<!-- note -->', '<!-- a --> <!-- b -->', '<!--\nover\nlines\n-->', '<!---->', '  <!-- indented -->  '])(
    'is ignored if it is a comment: %j',
    (comment) => {
      const text = block('ACTIVEPROBLEM', comment, '### T', comment, '#### Description', comment, '#### Tags', comment);
      const record = only(text);
      expect(record.extra).toEqual({});
      expect(record).not.toHaveProperty('description');
      expect(read(text).diagnostics.map(({ code }) => code)).toEqual([
        'label-missing',
        'section-missing',
        'section-missing',
      ]);
    },
  );
});

describe('a field', () => {
  it.each([
    '- **Severity + Frequency → Impact score:** Impact score (data corruption = 10)',
    '- **Severity + Frequency → Impact score** Impact score (data corruption = 10)',
    '- **Severity + Frequency** → Impact score (data corruption = 10)',
    '- **Severity + Frequency**: Impact score (data corruption = 10)',
    '- Severity + Frequency → Impact score (data corruption = 10)',
    'Severity + Frequency -> Impact score (data corruption = 10)',
  ])('may be written as %s', (line) => {
    const text = block('PROBLEMINTEGRATION', '### T', '#### Priority Calculation', line);
    expect(only(text)).toMatchObject({
      priorityCalculation: { severityFrequencyImpactScore: 'Impact score (data corruption = 10)' },
    });
    expect(read(text).diagnostics).toEqual([]);
  });

  it('is recognized with words in brackets after its label', () => {
    const text = block(
      'PROBLEMANALYSIS',
      '### T',
      '#### System Health Indicators',
      '- **MTTR (Mean Time to Resolution):** 3 h',
    );
    expect(only(text)).toMatchObject({ systemHealthIndicators: { mttr: '3 h' } });
  });
});

describe('wrong markers', () => {
  const good = block('ACTIVEPROBLEM', '### Good', '**Status:** active');

  it.each([
    ['unclosed', '<!-- EMBED:PROBLEMPATTERN:START -->\n### Lost\n', ['1:marker-unclosed']],
    ['unopened', '<!-- EMBED:PROBLEMPATTERN:END -->\n', ['1:marker-unopened']],
    ['in a list', '- <!-- EMBED:PROBLEMPATTERN:START -->\n\n', ['1:marker-misplaced']],
    ['in a quote', '> <!-- EMBED:PROBLEMPATTERN:START -->\n\n', ['1:marker-misplaced']],
    ['in a line of text', 'See <!-- EMBED:PROBLEMPATTERN:START --> there.\n\n', ['1:marker-misplaced']],
    ['in a fence', '```\n<!-- EMBED:PROBLEMPATTERN:START -->\n```\n', []],
    ['in indented code', '    <!-- EMBED:PROBLEMPATTERN:START -->\n\n', []],
    ['in inline code', 'Write `<!-- EMBED:PROBLEMPATTERN:START -->` first.\n\n', []],
    ['in other HTML', '<div>\n<!-- EMBED:PROBLEMPATTERN:START -->\n</div>\n\n', []],
    ['in another comment', '<!--\n<!-- EMBED:PROBLEMPATTERN:START -->\n\n', []],
  ])('leave other records intact: %s', (_, text, expected) => {
    const { records } = read(text + good);
    expect(records.map((record) => record.title)).toEqual(['Good']);
    expect(codes(text + good).filter((code) => code.includes('marker'))).toEqual(expected);
  });

  it('lose the outer of two nested blocks', () => {
    const text = `<!-- EMBED:PROBLEMPATTERN:START -->\n### Outer\n${good}<!-- EMBED:PROBLEMPATTERN:END -->\n`;
    expect(read(text).records.map((record) => record.title)).toEqual(['Good']);
    expect(codes(text).filter((code) => code.includes('marker'))).toEqual(['3:marker-nested']);
  });

  it('lose two crossed blocks, but not the block after them', () => {
    const text =
      '<!-- EMBED:PROBLEMPATTERN:START -->\n<!-- EMBED:ACTIVEPROBLEM:START -->\n<!-- EMBED:PROBLEMPATTERN:END -->\n<!-- EMBED:ACTIVEPROBLEM:END -->\n';
    expect(read(text + good).records.map((record) => record.title)).toEqual(['Good']);
    expect(codes(text + good).filter((code) => code.includes('marker'))).toEqual(['3:marker-crossed']);
  });

  it('may lack one END inside another block', () => {
    const text = good.replace('**Status', '<!-- EMBED:PROBLEMPATTERN:START -->\n**Status');
    expect(codes(text + good).filter((code) => code.includes('marker'))).toEqual(['3:marker-unclosed']);
  });

  it('read a block as the kind of its START if its END names another', () => {
    const text = good.replace('ACTIVEPROBLEM:END', 'PROBLEMPATTERN:END');
    expect(read(text + good).records).toHaveLength(2);
    expect(codes(text).filter((code) => code.includes('marker'))).toEqual(['4:marker-crossed']);
  });

  it('never hide a record without a diagnostic', () => {
    const text = good.replaceAll('ACTIVEPROBLEM', 'ACTIVE PROBLEM').replace('active', 'resolved');
    const { records, diagnostics } = read(text + good);
    expect(records).toMatchObject([{ title: 'Good', status: 'active' }]);
    expect(diagnostics.filter(({ code }) => code.startsWith('marker'))).toMatchObject([
      {
        code: 'marker-unknown',
        severity: 'error',
        place: { line: 1 },
        hint: expect.stringContaining('PROBLEM:START -->'),
      },
      {
        code: 'marker-unknown',
        severity: 'error',
        place: { line: 4 },
        hint: expect.stringContaining('PROBLEM:END -->'),
      },
    ]);
    const after = applyEdits(
      text,
      diagnostics.flatMap(({ fix }) => fix?.edits ?? []),
    );
    expect(only(after)).toMatchObject({ title: 'Good', status: 'resolved' });
  });

  it('are read in unusual case and spacing, with a safe fix', () => {
    const text = good.replace('<!-- EMBED:ACTIVEPROBLEM:START -->', '<!--embed:ActiveProblem:start -->');
    expect(read(text).records).toHaveLength(1);
    expect(read(text).diagnostics[0]).toMatchObject({
      code: 'marker-spelling',
      severity: 'warning',
      fix: { safe: true, edits: [{ text: '<!-- EMBED:ACTIVEPROBLEM:START -->' }] },
    });
  });
});

describe('titles and ids', () => {
  it('ignore a block without a ### title', () => {
    expect(read(block('ACTIVEPROBLEM', '**Status:** active')).records).toEqual([]);
    expect(codes(block('ACTIVEPROBLEM', '**Status:** active'))).toContain('1:title-missing');
  });

  it('end the record at a second ### title, which is reported', () => {
    const text = block('ACTIVEPROBLEM', '### One', '**Status:** active', '', '### Two', '**Status:** resolved');
    expect(only(text)).toMatchObject({ title: 'One', status: 'active' });
    expect(codes(text)).toContain('5:title-extra');
  });

  it('keep text under further titles as extra', () => {
    const text = block(
      'ACTIVEPROBLEM',
      '### One',
      '**Status:** active',
      '',
      '### Two',
      '**Status:** resolved',
      '',
      '#### Description',
      'It <b>failed</b>.',
      '',
      '### Three',
    );
    const record = only(text);
    expect(record).not.toHaveProperty('description');
    expect(record.extra).toEqual({
      Two: '**Status:** resolved\n\n#### Description\nIt <b>failed</b>.',
      Three: '',
    });
    expect(codes(text).filter((code) => code.endsWith('title-extra'))).toEqual(['5:title-extra', '11:title-extra']);
  });

  it.each(['# One', '## One', '#### One', '##### One', '<p>One</p>', 'One'])(
    'report and keep text before the title: %s',
    (line) => {
      const text = block('ACTIVEPROBLEM', line, '', '### T', '**Status:** active');
      expect(only(text)).toMatchObject({ title: 'T', status: 'active', extra: { text: line } });
      expect(codes(text)).toContain('2:text-stray');
    },
  );

  it('report a duplicate title and keep both records', () => {
    const text = block('ACTIVEPROBLEM', '### Same') + block('PROBLEMPATTERN', '### Same');
    expect(read(text).records.map((record) => record.id)).toEqual(['postgres/same', 'postgres/same-2']);
    expect(codes(text)).toContain('5:title-repeated');
  });

  it('use the ID in the header', () => {
    expect(active('**ID:** db/ports-1').id).toBe('db/ports-1');
    expect(codes(block('ACTIVEPROBLEM', '### T', '**ID:** ../../etc'))).toContain('3:id-invalid');
  });

  it.each([
    ['Schema Migration: Race Conditions!', 'postgres/schema-migration-race-conditions'],
    ['Überlauf im Zähler', 'postgres/uberlauf-im-zahler'],
    ['接続の枯渇', 'postgres/接続の枯渇'],
    ['???', 'postgres/symbol-3f-3f-3f'],
  ])('turn %s into %s', (title, id) => {
    expect(only(block('ACTIVEPROBLEM', `### ${title}`)).id).toBe(id);
  });
});

describe('minimal records', () => {
  it('are read with warnings for missing parts if they have only header, description and estimates', () => {
    const { records, diagnostics } = read(
      block(
        'ACTIVEPROBLEM',
        '### T',
        '**Status:** active',
        '',
        '#### Description',
        'It fails.',
        '',
        '#### Priority Estimates',
        '```yaml',
        'impact: 3',
        '```',
      ),
    );
    expect(records).toMatchObject([{ description: 'It fails.', priorityEstimates: { impact: 3 } }]);
    expect(new Set(diagnostics.map((diagnostic) => diagnostic.severity))).toEqual(new Set(['warning']));
  });

  it('may be a title and a sentence or contain more headings if they are integration records', () => {
    const text = block('PROBLEMINTEGRATION', '### Policy', 'Everything by hand.', '', '### More', 'Text.');
    expect(read(text).diagnostics).toEqual([]);
    expect(only(text)).toMatchObject({ kind: 'integration', extra: { text: 'Everything by hand.', More: 'Text.' } });
  });
});

describe('sentences between the fields of an integration record', () => {
  it('are kept without a diagnostic', () => {
    const text = block(
      'PROBLEMINTEGRATION',
      '### Policy',
      '#### Task Generation',
      'Tasks follow from:',
      '- **Active Issues:** all',
    );
    expect(read(text).diagnostics).toEqual([]);
    expect(only(text)).toMatchObject({
      taskGeneration: { activeIssues: 'all' },
      extra: { 'Task Generation': 'Tasks follow from:' },
    });
  });
});

describe('reading any text', () => {
  it.each([
    '',
    '\0',
    'just prose',
    '# PROBLEMS\n\nNo markers at all.\n',
    '<!-- EMBED',
    '<!-- EMBED:',
    '<!-- EMBED:X:START -->',
  ])('does not throw for %j', (text) => {
    expect(() => read(text)).not.toThrow();
  });

  it('reports nothing for ordinary prose', () => {
    expect(read('# Problems\n\n### A title\n\n**Status:** [active]\n')).toMatchObject({ records: [], diagnostics: [] });
  });
});
