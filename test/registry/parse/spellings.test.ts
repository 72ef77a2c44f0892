import { describe, expect, it } from 'vitest';
import { setHeader } from '../../../src/registry/edit/header.ts';
import { readRegistry } from '../../../src/registry/parse/read.ts';

const header = [
  '**Status:** [active]',
  '**Severity:** [high]',
  '**Frequency:** [frequent]',
  '**Impact:** [user_impact]',
  '**Discovered:** [2025-08-29]',
  '**Discovered By:** Mara',
  '**Last Occurrence:** [2025-08-30 11:20]',
];

const rest = [
  '',
  '#### Description',
  '',
  'The spooler prints some invoices twice.',
  '',
  '#### Reproduction Steps',
  '',
  '1. Open the ledger.',
  '2. Print two invoices at once.',
  '',
  '#### Impact Assessment',
  '',
  '- **Users Affected:** Everyone in accounting',
  '- **Business Impact:** Paper',
  '',
  '#### Investigation Status',
  '',
  '- **Root Cause:** unknown',
  '',
  '#### Priority Estimates',
  '',
  '```yaml',
  'impact: 6',
  'urgency: medium',
  'success_prob: 0.8',
  'resource_cost: moderate',
  '```',
];

function block(lines: readonly string[]): string {
  return ['<!-- EMBED:ACTIVEPROBLEM:START -->', ...lines, '<!-- EMBED:ACTIVEPROBLEM:END -->', ''].join('\n');
}

function record(lines: readonly string[] = header, title = '### Invoices printed twice'): string {
  return block([title, '', ...lines, ...rest]);
}

/** The plain record with its line of this label written otherwise. */
function withLine(label: string, ...lines: readonly string[]): string {
  return record(header.flatMap((line) => (line.startsWith(`**${label}:**`) ? lines : [line])));
}

function read(text: string) {
  const { records, diagnostics } = readRegistry(text);
  return {
    records,
    found: diagnostics.map(({ code, place }) => `${place.line}:${code}`),
    hints: diagnostics.map(({ hint }) => hint),
  };
}

function values(text: string): object {
  const { places: _, place, extra, ...only } = read(text).records[0] ?? {};
  return only;
}

const plain = values(record());

const headerForms: readonly (readonly [form: string, lines: readonly string[]])[] = [
  ['joined on one line by a formatter', [header.join(' ')]],
  [
    'joined and wrapped, within a label and within a value',
    [
      '**Status:** [active] **Severity:** [high] **Frequency:**',
      '[frequent] **Impact:** [user_impact] **Discovered:** [2025-08-29] **Discovered',
      'By:** Mara **Last Occurrence:** [2025-08-30',
      '11:20]',
    ],
  ],
  ['on one line between bars', [header.join(' | ')]],
  ['with underscores', header.map((line) => line.replaceAll('**', '__'))],
  ['in bold italics', header.map((line) => line.replaceAll('**', '***'))],
  ['with tags of HTML', header.map((line) => line.replace('**', '<strong>').replace('**', '</strong>'))],
  ['with the colon after the bold text', header.map((line) => line.replace(':**', '**:'))],
  ['with a wide colon', header.map((line) => line.replace(':**', '：**'))],
  ['without bold text', header.map((line) => line.replaceAll('**', ''))],
  ['with backslashes as line breaks', header.map((line) => `${line}\\`)],
  ['with <br> as line breaks', header.map((line) => `${line}<br>`)],
  ['with blanks as line breaks', header.map((line) => `${line}  `)],
  ['with escaped brackets', header.map((line) => line.replace('[', '\\['))],
  ['as a list', header.map((line) => `- ${line}`)],
  ['as a quote', header.map((line) => `> ${line}`)],
  [
    'as a table',
    ['| Field | Value |', '| --- | --- |', ...header.map((line) => line.replace(/(.*):\*\* (.*)/, '| $1** | $2 |'))],
  ],
  ['between the fences of front matter', ['---', ...header.map((line) => line.replaceAll('**', '')), '---']],
];

describe('a header', () => {
  it.each(headerForms)('reads the same %s', (_, lines) => {
    expect(read(record(lines)).found).toEqual([]);
    expect(values(record(lines))).toEqual(plain);
  });

  it.each([
    ['__Severity:__ [high]'],
    ['*Severity:* [high]'],
    ['**Severity: [high]**'],
    ['**Severity** = high'],
    ['**Severity** [high]'],
    ['**Severity :** high'],
    ['**🔥 Severity:** [high]'],
    ['**Severity:**\n[high]'],
    ['**Severity:**[high]'],
    ['Severity: [high]'],
    ['- **Severity:** [high]'],
    ['> **Severity:** [high]'],
    ['| Severity | high |'],
    ['    **Severity:** [high]'],
  ])('reads a line %j between other lines, and leaves its neighbours alone', (line) => {
    expect(read(withLine('Severity', line)).found).toEqual([]);
    expect(values(withLine('Severity', line))).toEqual(plain);
  });

  it.each(headerForms)('%s can be edited in one value alone', (_, lines) => {
    const text = record(lines);
    expect(setHeader(text, 'root/invoices-printed-twice', 'Severity', 'low')).toBe(text.replace('high', 'low'));
  });

  it.each([
    ['a remark', '**Severity:** high (customers wait)', 'Severity', 'low'],
    ['a second line', '**Severity:** high\nthe ledger is late', 'Severity', 'low'],
    ['a sentence', '**Severity:** it is high I think', 'Severity', 'low'],
  ])('cannot be edited if the value has %s, and the place is reported', (_, line, label, value) => {
    expect(() => setHeader(withLine('Severity', line), 'root/invoices-printed-twice', label, value)).toThrow(
      /Severity in PROBLEMS.md, line 5, holds more than one value/,
    );
  });

  it('can be edited if the value is a placeholder or a mistake', () => {
    for (const value of ['[critical|high|medium|low]', '[hgih]', 'P1']) {
      const text = withLine('Severity', `**Severity:** ${value}`);
      expect(values(setHeader(text, 'root/invoices-printed-twice', 'Severity', 'high'))).toEqual(plain);
    }
  });

  it('keeps an unknown label and reports it on its own line, and the values around it are read', () => {
    const text = withLine('Severity', '**Schweregrad:** [high]');
    expect(read(text).found).toEqual(['2:label-missing', '5:label-unknown']);
    expect(read(text).records[0]).toMatchObject({
      status: 'active',
      frequency: 'frequent',
      extra: { Schweregrad: '[high]' },
    });
  });

  it('ends a value before a label in the middle of its line, known or not, but not before a label in code', () => {
    const [joined] = read(withLine('Discovered By', '**Discovered By:** Mara **Seen From:** Bremen')).records;
    expect(joined).toMatchObject({ discoveredBy: 'Mara', extra: { 'Seen From': 'Bremen' } });
    const [code] = read(withLine('Discovered By', '**Discovered By:** Mara, by `a **b:** c`')).records;
    expect(code).toMatchObject({ discoveredBy: 'Mara, by `a **b:** c`' });
  });
});

describe('a term', () => {
  it.each([
    'high',
    '**high**',
    '_high_',
    '`high`',
    '<b>high</b>',
    '[high](#severity)',
    '[high][1]',
    '\\[high]',
    'high\\',
    '"high"',
    '“high”',
    '[“high”]',
    '(high)',
    '{high}',
    '［high］',
    '【high】',
    'ｈｉｇｈ',
    '🔴 High',
    'High 🔴',
    '[x] high',
    'high.',
    '~~low~~ high',
    '\u00A0[high]',
    '\u200B[high]',
  ])('is read from %j', (written) => {
    const text = withLine('Severity', `**Severity:** ${written}`);
    expect(read(text)).toMatchObject({ found: [], records: [{ severity: 'high', extra: {} }] });
  });

  it.each([
    ['High – customers wait', 'customers wait'],
    ['high (confirmed)', 'confirmed'],
    ['high # by the on-call team', 'by the on-call team'],
    ['High, customers wait', 'customers wait'],
  ])('is read before a remark, which is kept: %s', (written, remark) => {
    const text = withLine('Severity', `**Severity:** ${written}`);
    expect(read(text)).toMatchObject({
      found: [],
      records: [{ severity: 'high', extra: { 'Severity / remark': remark } }],
    });
  });

  it.each(['High (was medium)', 'high?', 'high – or medium', 'high (not confirmed)'])(
    'is read with a warning if its remark may say otherwise: %s',
    (written) => {
      const text = withLine('Severity', `**Severity:** ${written}`);
      expect(read(text)).toMatchObject({ found: ['5:value-remark'], records: [{ severity: 'high' }] });
    },
  );

  it.each(['high/critical', 'P1', '高', 'not high', '[[high]]'])('is not guessed from %s', (written) => {
    const text = withLine('Severity', `**Severity:** ${written}`);
    expect(read(text)).toMatchObject({ found: ['5:term-unknown'], hints: ['Use one of critical, high, medium, low.'] });
    expect(read(text).records[0]).not.toHaveProperty('severity');
  });

  it('in a status is read with a check mark and a date, and the date is kept', () => {
    const text = withLine('Status', '**Status:** ✅ Resolved (2025-10-03)');
    expect(read(text)).toMatchObject({
      found: [],
      records: [{ status: 'resolved', extra: { 'Status / remark': '2025-10-03' } }],
    });
  });
});

describe('a date', () => {
  it.each([
    ['2025-08-29 2:05 PM', '2025-08-29T14:05'],
    ['2025-08-29 12:05 am', '2025-08-29T00:05'],
    ['`2025-08-29`', '2025-08-29'],
    ['2025-08-29, 11:20', '2025-08-29T11:20'],
    ['2025‑08‑29', '2025-08-29'],
    ['2025–08–29', '2025-08-29'],
    ['２０２５-０８-２９', '2025-08-29'],
    ['[2025-08-29](https://tracker.example/1)', '2025-08-29'],
    ['2025-08-29\u00A011:20', '2025-08-29T11:20'],
    ['2025/08/29', '2025-08-29'],
    ['2025-9-1', '2025-09-01'],
    ['Aug 29, 2025', '2025-08-29'],
    ['29 August 2025', '2025-08-29'],
    ['29th August 2025, 14:05 UTC', '2025-08-29T14:05Z'],
  ])('is read from %s', (written, iso) => {
    const text = withLine('Last Occurrence', `**Last Occurrence:** ${written}`);
    expect(read(text)).toMatchObject({ found: [], records: [{ lastOccurrence: iso, extra: {} }] });
  });

  it.each([
    ['2025-08-29 (during the audit)', 'during the audit', []],
    ['2025-10-12 (Session 16)', 'Session 16', []],
    ['~2025-08-29', '~', []],
    ['2025-08-29?', '?', ['10:value-remark']],
  ])('is read before a remark, which is kept: %s', (written, remark, found) => {
    const text = withLine('Last Occurrence', `**Last Occurrence:** ${written}`);
    expect(read(text)).toMatchObject({ found, records: [{ extra: { 'Last Occurrence / remark': remark } }] });
  });

  it.each([
    '08/09/2025',
    '29.08.2025',
    '2025-08',
    'Q3 2025',
    'TBD',
    'unknown',
    'yesterday',
    '2025-02-30',
    '31 June 2025',
  ])('is not guessed from %s', (written) => {
    const text = withLine('Last Occurrence', `**Last Occurrence:** ${written}`);
    expect(read(text).found).toEqual(['10:date-invalid']);
    expect(read(text).records[0]).not.toHaveProperty('lastOccurrence');
  });
});

describe('a heading', () => {
  const headings = rest.filter((line) => line.startsWith('####'));

  it.each([
    ['a title at level 2', block(['## Invoices printed twice', ...header, ...rest]), '2:heading-form'],
    ['a title at level 4', block(['#### Invoices printed twice', ...header, ...rest]), '2:heading-form'],
    ['an underlined title', block(['Invoices printed twice', '---', ...header, ...rest]), '2:heading-form'],
    ['sections at level 3', record().replaceAll('####', '###'), '12:heading-form'],
    ['sections without a blank after the hashes', record().replaceAll('#### ', '####'), '12:heading-form'],
  ])('is read in another form and reported once: %s', (_, text, found) => {
    expect(read(text).found).toEqual([found]);
    expect(values(text)).toEqual(plain);
  });

  it.each([
    ['numbers', (name: string, at: number) => `#### ${at + 1}. ${name}`],
    ['anchors', (name: string) => `#### <a id="x"></a>${name}`],
    ['ids in braces', (name: string) => `#### ${name} {#part-1}`],
    ['bold text', (name: string) => `#### **${name}**`],
  ])('of a section is found with %s', (_, write) => {
    const text = headings.reduce((done, line, at) => done.replace(line, write(line.slice(5), at)), record());
    expect(read(text).found).toEqual([]);
    expect(values(text)).toEqual(plain);
  });
});

describe('a title', () => {
  it.each([
    ['[Port clash](https://tracker.example/12)', 'Port clash', 'root/port-clash'],
    ['`SELECT *` hangs', 'SELECT * hangs', 'root/select-hangs'],
    ['R&amp;D \\* invoices', 'R&D * invoices', 'root/r-d-invoices'],
    ['~~Port~~ clash', 'Port clash', 'root/port-clash'],
    ['C++ build fails', 'C++ build fails', 'root/c-plus-plus-build-fails'],
    ['C# build fails', 'C# build fails', 'root/c-sharp-build-fails'],
    ['Latency > 5 s', 'Latency > 5 s', 'root/latency-greater-than-5-s'],
    ['Clock runs -5 s', 'Clock runs -5 s', 'root/clock-runs-minus-5-s'],
    ['A -> B fails', 'A -> B fails', 'root/a-b-fails'],
    ['งานไม่เดิน', 'งานไม่เดิน', 'root/งานไม่เดิน'],
    ['พิมพ์ซ้ำ', 'พิมพ์ซ้ำ', 'root/พิมพ์ซ้ำ'],
    ['🔥', '🔥', 'root/symbol-1f525'],
    ['???', '???', 'root/symbol-3f-3f-3f'],
  ])('%s has the text %j and the id %s', (written, title, id) => {
    expect(read(record(header, `### ${written}`)).records).toMatchObject([{ title, id }]);
  });

  it('gets a unique id if it differs only in punctuation, for any order of the file', () => {
    const [one, other] = [record(header, '### Build 1.12 fails'), record(header, '### Build 1-12 fails')];
    const ids = (text: string) => Object.fromEntries(read(text).records.map(({ title, id }) => [title, id]));
    expect(ids(one + other)).toEqual(ids(other + one));
    expect(new Set(Object.values(ids(one + other))).size).toBe(2);
    expect(read(one + other).found).toEqual([
      expect.stringContaining('title-alike'),
      expect.stringContaining('title-alike'),
    ]);
  });
});

describe('a merge conflict', () => {
  function conflict(ours: readonly string[], theirs: readonly string[]): readonly string[] {
    return ['<<<<<<< HEAD', ...ours, '=======', ...theirs, '>>>>>>> fix-a'];
  }

  it.each([
    [
      'in a header',
      record(
        header.flatMap((line) => (line.includes('Severity') ? conflict([line], ['**Severity:** [low]']) : [line])),
      ),
    ],
    ['in prose', record().replace(/^The spooler.*$/m, conflict(['Twice.'], ['', 'Thrice.', '']).join('\n'))],
    [
      'in a list',
      record().replace(
        '- **Root Cause:** unknown',
        conflict(['- **Root Cause:** a'], ['- **Root Cause:** b']).join('\n'),
      ),
    ],
    ['in yaml', record().replace('impact: 6', conflict(['impact: 6'], ['impact: 9']).join('\n'))],
    ['around the block', `${conflict([record()], [record()]).join('\n')}\n`],
    ['of which lines are left', record().replace('impact: 6', 'impact: 6\n>>>>>>> fix-a')],
    [
      'in the style of diff3',
      record().replace('impact: 6', '<<<<<<< a\nimpact: 6\n||||||| b\nimpact: 5\n=======\nimpact: 9\n>>>>>>> c'),
    ],
  ])('%s is one error, and its records make no task', (_, text) => {
    const { records, found } = read(text);
    expect(found.filter((one) => !one.endsWith('title-repeated'))).toEqual([expect.stringMatching(/:merge-conflict$/)]);
    expect(records.length).toBeGreaterThan(0);
    for (const { unreadable } of records) expect(unreadable).toEqual(['merge-conflict']);
  });

  it('is not reported outside of all records, nor is a setext underline', () => {
    const text = `${['```', ...conflict(['a'], ['b']), '```'].join('\n')}\n\nProblems\n=======\n\n${record()}`;
    expect(read(text)).toMatchObject({ found: [], records: [{ title: 'Invoices printed twice' }] });
  });
});

describe('an estimate in yaml', () => {
  it.each([
    ['impact: 1e1', 10],
    ['impact: 8e0', 8],
    ['impact: +8', 8],
    ['impact:\u00A06', 6],
    ['impact： 6', 6],
  ])('is read from %j', (line, impact) => {
    const text = record().replace('impact: 6', line);
    expect(read(text)).toMatchObject({ found: [], records: [{ priorityEstimates: { impact, urgency: 'medium' } }] });
  });

  it.each(['urgency: no', 'urgency: on'])('has no false suggestion: %s', (line) => {
    expect(read(record().replace('urgency: medium', line)).hints).toEqual(['Use one of critical, high, medium, low.']);
  });
});

describe('a marker', () => {
  it.each([
    ['a no-break space', '<!--\u00A0EMBED:$1 -->'],
    ['a zero-width space', '<!-- \u200BEMBED:$1 -->'],
    ['wide colons', '<!-- EMBED：$1 -->'],
  ])('with %s is read and its spelling is reported', (_, written) => {
    const text = record().replaceAll(/<!-- EMBED:(.*) -->/g, written);
    expect(read(text).found).toEqual(['1:marker-spelling', expect.stringMatching(/:marker-spelling$/)]);
    expect(values(text)).toEqual(plain);
  });

  it.each([
    ['en dashes', '<!– EMBED:$1 –>'],
    ['one dash', '<!- EMBED:$1 ->'],
    ['an em dash', '<!— EMBED:$1 —>'],
    ['line ends', '<!--\nEMBED:$1\n-->'],
  ])('with %s has no effect, and is reported with its correct form', (_, written) => {
    const { found, hints, records } = read(record().replaceAll(/<!-- EMBED:(.*) -->/g, written));
    expect(records).toEqual([]);
    expect(found).toEqual(['1:marker-unknown', expect.stringMatching(/:marker-unknown$/)]);
    expect(hints[0]).toBe('Did you mean <!-- EMBED:ACTIVEPROBLEM:START -->?');
  });
});
