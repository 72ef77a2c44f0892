import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { outlineOf } from '../../../src/registry/parse/read-outline.ts';
import { readMarkdown } from '../../../src/registry/parse/markdown.ts';
import type { OutlineNode } from '../../../src/registry/parse/outline.ts';

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

describe('remark as a reader of outlines', () => {
  it('names what records give no meaning to, and keeps where it stands without the blanks after it', () => {
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

  it('reads setext headings', () => {
    expect(read('One\ntwo\n===\n\nThree\n---')).toEqual([
      { type: 'heading', depth: 1, start: 0, end: 11 },
      { type: 'heading', depth: 2, start: 13, end: 22 },
    ]);
  });

  it('puts the items of all lists beside each other, with what they hold inside', () => {
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

  it('knows whether a fence is closed', () => {
    expect(read('```\na\n    ```')).toEqual([{ type: 'fence', closed: false, start: 0, end: 13 }]);
    expect(read('> a\n\n~~~\na\n~~~')).toContainEqual({ type: 'fence', closed: true, start: 5, end: 14 });
  });

  it('gives offsets of the whole text, U+FEFF at the start of it or of the block included', () => {
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

  it('is asked only where lines are not certain, unless it is asked for', () => {
    const text = '> a';
    const block = { start: 0, end: text.length };
    expect(outlineOf(text, block, 'auto')).toEqual(outlineOf(text, block, 'markdown'));
    const deep = { start: 0, end: 4000 };
    expect(outlineOf('a\n'.repeat(3000), deep, 'auto')).toEqual({
      type: 'outline',
      nodes: [{ type: 'paragraph', start: 0, end: 3999 }],
    });
  });

  it('is not loaded by what imports the reader', () => {
    const program = `
      import { outlineOf } from './src/registry/parse/read-outline.ts';
      import { findMarkers } from './src/registry/parse/markers.ts';
      findMarkers('<!-- EMBED:ACTIVEPROBLEM:START -->\\n');
      outlineOf('# a', { start: 0, end: 3 }, 'auto');
      const loaded = process.moduleLoadList.filter((name) => name.includes('worker_threads'));
      console.log(JSON.stringify(loaded));`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', program], {
      encoding: 'utf8',
    });
    expect({ stderr, loaded: stdout.trim() }).toEqual({ stderr: '', loaded: '[]' });
  });

  it('lets the process end though its thread is idle', () => {
    const program = `
      import { outlineOf } from './src/registry/parse/read-outline.ts';
      console.log(outlineOf('> a', { start: 0, end: 3 }, 'auto').type);`;
    const { stdout, status } = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', program], {
      encoding: 'utf8',
      timeout: 20_000,
    });
    expect({ stdout, status }).toEqual({ stdout: 'outline\n', status: 0 });
  });
});

describe('input that remark is slow at', () => {
  const shapes: readonly [string, string][] = [
    ['quotes', '> a\n\n'],
    ['setext headings', 'a\n===\n'],
    ['emphasis', '*_*_'],
    ['comments', 'a<!--'],
    ['header lines', '**A:** [x]\n'],
    ['deep quotes', '>'],
    ['deep lists', '- '],
    ['deep footnotes', '[^a]: '],
    ['many deep lists', `${'- '.repeat(16)}a\n`],
    ['quotes in items', '- > a\n'],
    ['tables', '> |a|\n> |-|\n'],
    ['blank lines', '\n'],
  ];

  it.each(shapes)('is answered or refused in a moment: %s', (_, shape) => {
    read('> remark is loaded');
    for (const length of [32_768, 65_536, 1_048_576]) {
      const text = `> aside\n\n${shape.repeat(length / shape.length)}`;
      const before = performance.now();
      const result = readMarkdown(text, { start: 0, end: text.length });
      if (result.type === 'too-complex') expect(result.reason).toMatch(/^it (is|has) .* \d+/);
      expect(performance.now() - before).toBeLessThan(10_000);
    }
  });

  it('is refused alike on every machine: by its size, its lines, its depth and its lists', () => {
    function reason(text: string): string | undefined {
      const result = readMarkdown(text, { start: 0, end: text.length });
      return result.type === 'too-complex' ? result.reason : undefined;
    }
    expect(reason('a'.repeat(65_536))).toBeUndefined();
    expect(reason('a'.repeat(65_537))).toBe('it is longer than 65536 characters');
    expect(reason('a\n'.repeat(2_000))).toBeUndefined();
    expect(reason('a\n'.repeat(2_001))).toBe('it has more than 2000 lines');
    expect(reason(`${'>'.repeat(16)}a`)).toBeUndefined();
    expect(reason(`${'>'.repeat(17)}a`)).toBe('it is nested more than 16 deep');
    expect(reason('- - - a\n'.repeat(1_333))).toBeUndefined();
    expect(reason('- - - a\n'.repeat(1_334))).toBe('it has more than 4000 list items, quotes and footnotes');
    expect(reason(`${'- '.repeat(40)}\n`)).toBeUndefined();
  });
});
