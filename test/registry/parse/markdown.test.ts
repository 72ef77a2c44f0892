import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { markdownBudget, outlineOf } from '../../../src/registry/parse/read-outline.ts';
import { readRegistry } from '../../../src/registry/parse/read.ts';
import { exceededLimit, readMarkdown } from '../../../src/registry/parse/markdown.ts';
import type { OutlineNode } from '../../../src/registry/parse/outline.ts';
import { runsOf } from '../../soak.ts';

function read(text: string): readonly OutlineNode[] {
  const result = readMarkdown(text, { start: 0, end: text.length });
  if (result.type === 'too-complex') throw new Error(result.reason);
  return result.nodes;
}

function kinds(text: string): string[] {
  return read(text).map(
    (node) => `${node.type === 'other' ? node.name : node.type} ${text.slice(node.start, node.end)}`,
  );
}

describe('the outline that remark reads', () => {
  it('names blocks that have no meaning in records, with their places without trailing blanks', () => {
    expect(kinds('> a\n> b  \n\n|a|\n|-|\n\n[a]: b\n\n    code \n\n[^a]: b\n\n<div>\n\n***\n')).toEqual([
      'quote > a\n> b',
      'table |a|\n|-|',
      'definition [a]: b',
      'code code',
      'definition [^a]: b',
      'html <div>',
      'rule ***',
    ]);
  });

  it('has setext headings', () => {
    expect(read('One\ntwo\n===\n\nThree\n---')).toEqual([
      { type: 'heading', depth: 1, start: 0, end: 11 },
      { type: 'heading', depth: 2, start: 13, end: 22 },
    ]);
  });

  it('has the items of all lists in one sequence, with their content inside', () => {
    expect(read('- a\n\n  > b\n* c\n1. d')).toEqual([
      {
        type: 'item',
        ordered: false,
        start: 0,
        end: 10,
        children: [
          { type: 'paragraph', start: 2, end: 3 },
          { type: 'other', name: 'quote', start: 7, end: 10 },
        ],
      },
      { type: 'item', ordered: false, start: 11, end: 14, children: [{ type: 'paragraph', start: 13, end: 14 }] },
      { type: 'item', ordered: true, start: 15, end: 19, children: [{ type: 'paragraph', start: 18, end: 19 }] },
    ]);
  });

  it('says whether a fence is closed', () => {
    expect(read('```\na\n    ```')).toEqual([{ type: 'fence', closed: false, start: 0, end: 13 }]);
    expect(read('> a\n\n~~~\na\n~~~')).toContainEqual({ type: 'fence', closed: true, start: 5, end: 14 });
  });

  it('has offsets into the whole text, even after U+FEFF at the start of the text or of the block', () => {
    const text = '\ufeff# A\n\n\ufeffb\tc\r\n> d';
    expect(kinds(text)).toEqual(['heading # A', 'paragraph \ufeffb\tc', 'quote > d']);
    const block = { start: 6, end: text.length };
    expect(readMarkdown(text, block)).toEqual({
      type: 'outline',
      nodes: [
        { type: 'paragraph', start: 6, end: 10 },
        { type: 'other', name: 'quote', start: 12, end: 15 },
      ],
    });
  });

  it('is used only if the line reader is not certain, or on request', () => {
    const text = '> a';
    const block = { start: 0, end: text.length };
    const onRequest = outlineOf(text, block, 'markdown', markdownBudget());
    expect(outlineOf(text, block, 'auto', markdownBudget())).toEqual(onRequest);
    const deep = { start: 0, end: 4000 };
    expect(outlineOf('a\n'.repeat(3000), deep, 'auto', markdownBudget())).toEqual({
      type: 'outline',
      nodes: [{ type: 'paragraph', start: 0, end: 3999 }],
    });
  });

  it('loads remark for the first block that the line reader leaves to it, and not before', () => {
    const program = `
      import { registerHooks } from 'node:module';
      import { markdownBudget, outlineOf } from './src/registry/parse/read-outline.ts';
      import { findMarkers } from './src/registry/parse/markers.ts';
      const loaded = [];
      registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context); } });
      findMarkers('<!-- EMBED:ACTIVEPROBLEM:START -->\\n');
      outlineOf('# a', { start: 0, end: 3 }, 'auto', markdownBudget());
      const before = loaded.length;
      outlineOf('> a', { start: 0, end: 3 }, 'auto', markdownBudget());
      console.log(before, loaded.some((url) => url.includes('/remark-parse/')));`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', program], {
      encoding: 'utf8',
    });
    expect({ stderr, stdout }).toEqual({ stderr: '', stdout: '0 true\n' });
  });
});

describe('the limits of what remark reads', () => {
  const tokens =
    '- |> |1. |* |[^a]: |[a]: |[a|]|`|```|~~~|<|<!--|-->|<div>|<a |"|\\|\n|\n\n|\r|    |\t| |a|# |***|_|www.|a@b.|&|![|\0'
      .split('|')
      .concat('|', '|-', '\n', '\n');

  /** A shape repeated as often as the limits allow. */
  function filled(shape: string): string {
    let most = 1;
    let tooMany = Math.ceil(70_000 / shape.length);
    while (tooMany - most > 1) {
      const middle = (most + tooMany) >> 1;
      const text = shape.repeat(middle);
      if (exceededLimit(text, { start: 0, end: text.length }) === undefined) most = middle;
      else tooMany = middle;
    }
    return shape.repeat(most);
  }

  /** In CPU time of this thread, so that other load of the machine does not count. */
  function expectQuickAnswer(shape: string): void {
    const text = filled(shape);
    const before = process.threadCpuUsage();
    readMarkdown(text, { start: 0, end: text.length });
    const { user, system } = process.threadCpuUsage(before);
    expect({ shape, isQuick: user + system < 5_000_000 }).toEqual({ shape, isQuick: true });
  }

  it.each([
    ['quotes', '> a\n\n'],
    ['setext headings', 'a\n===\n'],
    ['emphasis', '*_*_'],
    ['links', '[a]('],
    ['comments', 'a<!--'],
    ['header lines', '**A:** [x]\n'],
    ['deep quotes', '>'],
    ['deep lists', '- '],
    ['deep footnotes', '[^a]: '],
    ['many deep lists', `${'- '.repeat(16)}a\n`],
    ['quotes in items', '- > a\n'],
    ['tables', '> |a|\n> |-|\n'],
    ['rows', '|-|-|-|-\n'],
    ['items that tabs indent', "-\t-a * +\r\0\t +' \r\0\t"],
    ['addresses', 'a.-_+'],
    ['blank lines', '\n'],
  ])('bound the time for %s', (_, shape) => {
    expectQuickAnswer(shape);
  });

  it('bound the time for any repeated text', { timeout: 600_000 }, () => {
    const shapes = fc.array(fc.constantFrom(...tokens), { minLength: 1, maxLength: 12 }).map((all) => all.join(''));
    fc.assert(fc.property(shapes, expectQuickAnswer), { numRuns: runsOf(8) });
  });

  it('bound what remark reads of one file, so that many slow blocks do not add up', { timeout: 60_000 }, () => {
    const marker = '<!-- EMBED:PROBLEMPATTERN';
    const block = `${marker}:START -->\n### T\n> ${'a'.repeat(60_000)}\n${marker}:END -->\n`;
    const { records, diagnostics } = readRegistry(block.repeat(40));
    const refused = diagnostics.filter(({ code }) => code === 'too-complex');
    expect(records).toHaveLength(34);
    expect(refused.map(({ message }) => message)).toEqual(
      Array.from({ length: 6 }, () => 'This block is too complex to read: too many such blocks in this file.'),
    );
  });

  it('refuse a block for its size, lines, depth or lists, never for the time it takes', { timeout: 60_000 }, () => {
    function reason(text: string): string | undefined {
      const result = readMarkdown(text, { start: 0, end: text.length });
      return result.type === 'too-complex' ? result.reason : undefined;
    }
    expect(reason('a'.repeat(65_536))).toBeUndefined();
    expect(reason('a'.repeat(65_537))).toBe('more than 65536 characters');
    expect(reason('a\n'.repeat(2_000))).toBeUndefined();
    expect(reason('a\n'.repeat(2_001))).toBe('more than 2000 lines');
    expect(reason(`${'>'.repeat(16)}a`)).toBeUndefined();
    expect(reason(`${'>'.repeat(17)}a`)).toBe('more than 16 levels of nesting');
    expect(reason('- - - a\n'.repeat(666))).toBeUndefined();
    expect(reason('- - - a\n'.repeat(667))).toBe('more than 2000 list items, quotes and footnotes');
    expect(reason(`${'- '.repeat(40)}\n`)).toBeUndefined();
  });
});
