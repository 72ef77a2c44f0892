import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findMarkers } from '../../../src/registry/parse/markers.ts';
import { readLines } from '../../../src/registry/parse/read-outline.ts';
import { readMarkdown } from '../../../src/registry/parse/markdown.ts';
import type { OutlineNode } from '../../../src/registry/parse/outline.ts';
import { growth } from './growth.ts';
import { anyMarkdown, fixture, fixtures, mutatedRegistries, plainMarkdown } from './markdown-texts.ts';
import { runsOf } from '../../soak.ts';

function read(text: string): readonly OutlineNode[] | undefined {
  return readLines(text, { start: 0, end: text.length });
}

/** The outline in short: `h3 "Title"`, with the items of an item in brackets. */
function sketch(text: string, nodes: readonly OutlineNode[] | undefined = read(text)): string[] | undefined {
  return nodes?.map((node) => {
    const said = JSON.stringify(text.slice(node.start, node.end));
    if (node.type === 'item') return `${node.ordered ? 'ol' : 'ul'} [${sketch(text, node.children)?.join(', ')}]`;
    if (node.type === 'heading') return `h${node.depth} ${said}`;
    if (node.type === 'fence') return `${node.closed ? 'fence' : 'open fence'} ${said}`;
    return `${node.type === 'other' ? node.name : 'p'} ${said}`;
  });
}

/** Blocks between markers, and each text as a whole. */
function blocks(text: string): { start: number; end: number }[] {
  const scan = findMarkers(text);
  const edges = scan.type === 'markers' ? scan.markers.filter((marker) => !marker.misplaced) : [];
  const between = edges.slice(1).map((marker, index) => ({ start: edges[index]?.end ?? 0, end: marker.start }));
  return [{ start: 0, end: text.length }, ...between];
}

function expectAgreement(text: string): void {
  for (const block of blocks(text)) {
    const nodes = readLines(text, block);
    if (nodes !== undefined)
      expect({ text, block, outline: readMarkdown(text, block) }).toEqual({
        text,
        block,
        outline: { type: 'outline', nodes },
      });
  }
}

describe('the line reader', () => {
  it('reads headings, header lines, prose, lists, fences and rules', () => {
    const text =
      '### Title ##\n\n**Status:** [active]  \n**Impact:** x\n\n#### Steps\n1. one\n   more\nlazy\n2. two\n   - inner\n\n     prose\n\n```yaml\n\ta: 1\n\n```\n\n---\nend';
    expect(sketch(text)).toEqual([
      'h3 "### Title ##"',
      'p "**Status:** [active]  \\n**Impact:** x"',
      'h4 "#### Steps"',
      'ol [p "one\\n   more\\nlazy"]',
      'ol [p "two", ul [p "inner", p "prose"]]',
      'fence "```yaml\\n\\ta: 1\\n\\n```"',
      'rule "---"',
      'p "end"',
    ]);
  });

  it('reads fences in items', () => {
    expect(sketch('- a\n\n  ~~~\n    b\n\n  ~~~\n- c')).toEqual([
      'ul [p "a", fence "~~~\\n    b\\n\\n  ~~~"]',
      'ul [p "c"]',
    ]);
  });

  it('ends an open fence at its last line with text', () => {
    expect(sketch('```\na\n\n  \n')).toEqual(['open fence "```\\na"']);
  });

  it('finds a heading after a byte-order mark', () => {
    expect(sketch('\ufeff# Title')).toEqual(['h1 "# Title"']);
  });

  it('reads comments of one line, which end paragraphs and lists', () => {
    expect(sketch('a\n<!-- b -->\n- c\n<!-- d -->\n- e\n\n  <!-- f --> g\nh')).toEqual([
      'p "a"',
      'html "<!-- b -->"',
      'ul [p "c"]',
      'html "<!-- d -->"',
      'ul [p "e", html "<!-- f --> g"]',
      'p "h"',
    ]);
    for (const text of ['a\n<!-- b --> \nc', '- a\n<!-- b -->\n  c', '<!-- a\nb -->', '<!--->\na', '- <!-- a -->\nb'])
      expectAgreement(text);
  });

  it('treats only spaces and tabs as blanks', () => {
    expect(sketch('#\u00a0a\n\f\n-\u00a0b')).toEqual(['p "#\u00a0a\\n\\f\\n-\u00a0b"']);
  });

  it('reads every record of the postgres registry', () => {
    const text = fixture('resources/postgres/PROBLEMS.md');
    const records = blocks(text).slice(1);
    expect(records.length).toBeGreaterThan(0);
    for (const record of records) expect(readLines(text, record)).toBeDefined();
  });

  it.each([
    ['a tab in indentation', '- a\n\tb'],
    ['a quote', '> a'],
    ['HTML', 'a\n<b>'],
    ['a table', '|a|\n|-|'],
    ['a setext heading', 'a\n---'],
    ['a definition', '[a]: b'],
    ['a definition over several lines', '[a\nb]: c'],
    ['a footnote', 'a\n[^b]: c'],
    ['a lone CR', 'a\rb'],
    ['indented code', 'a\n\n    b'],
    ['indented code in an item', '-     b'],
    ['an empty item', '- a\n-'],
    ['an ordered item that may interrupt a paragraph', 'a\n2. b'],
    ['a fence that its item ends', '- ```\na'],
    ['lists nested beyond measure', `${'- '.repeat(40)}a`],
  ])('leaves a block with %s to remark', (_, text) => {
    expect(read(text)).toBeUndefined();
    expect(read(`### Title\n\n${text}`)).toBeUndefined();
  });

  it('agrees with remark on every fixture', { timeout: 60_000 }, () => {
    for (const { text } of fixtures) expectAgreement(text);
  });

  it('agrees with remark on plain Markdown', () => {
    fc.assert(fc.property(plainMarkdown, expectAgreement));
  });

  it('agrees with remark on any Markdown', () => {
    fc.assert(fc.property(anyMarkdown, expectAgreement));
  });

  it('agrees with remark on mutated registries', () => {
    fc.assert(fc.property(mutatedRegistries, expectAgreement), { numRuns: runsOf(30) });
  });

  it('agrees with remark on raw bytes', () => {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => expectAgreement(decoder.decode(bytes))));
  });

  it.each([
    ['a record', fixture('resources/postgres/PROBLEMS.md').slice(...recordRange())],
    ['lists', '- a\n  - b\n    - c\nlazy\n'],
    ['one long fence', `${'`'.repeat(200)}\na\n`],
    ['one long paragraph', 'a [a [a\n'],
    ['lines of hashes', `${'#'.repeat(50)}\n`],
    ['lines of digits', `${'1'.repeat(50)}\n`],
    ['one line of brackets', '['],
    ['one line of dashes', '- '],
    ['blank lines', '\r\n'],
  ])('takes time proportional to the text: %s', (_, shape) => {
    expect(growth(shape, read)).toBeLessThan(40);
  });
});

function recordRange(): [number, number] {
  const record = blocks(fixture('resources/postgres/PROBLEMS.md'))[1];
  return [record?.start ?? 0, record?.end ?? 0];
}
