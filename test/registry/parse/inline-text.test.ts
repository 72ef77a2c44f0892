import fc from 'fast-check';
import type { Nodes } from 'mdast';
import remarkGfm from 'remark-gfm';
import remarkParse from 'remark-parse';
import { unified } from 'unified';
import { describe, expect, it } from 'vitest';
import { inlineText, plainCharacters } from '../../../src/registry/parse/inline-text.ts';

const markdown = unified().use(remarkParse).use(remarkGfm);

/** The text that remark finds in a paragraph, without tags. */
function remarkText(source: string): string {
  function textOf(node: Nodes): string {
    if (node.type === 'html') return /^<br\b/i.test(node.value) ? ' ' : '';
    if (node.type === 'image') return node.alt ?? '';
    if ('value' in node) return node.value;
    return 'children' in node ? node.children.map(textOf).join('') : '';
  }
  return textOf(markdown.parse(source));
}

describe('the text of inline Markdown', () => {
  it.each([
    ['a **bold** and *light* word', 'a bold and light word'],
    ['`SELECT *` and ``a ` b``', 'SELECT * and a ` b'],
    ['\\*not light\\*', '*not light*'],
    ['snake_case_name and 2 * 3 * 4', 'snake_case_name and 2 * 3 * 4'],
    ['[text](https://a.example/b_c_d "title") end', 'text end'],
    ['![alt](a.png)', 'alt'],
    ['<b>x</b><br>y <!-- z -->', 'x y '],
    ['a &lt; b &#38; c &#x1F525;', 'a < b & c 🔥'],
    ['~~old~~ new', 'old new'],
    ['[PRB-17] title', '[PRB-17] title'],
    ['a < b > c', 'a < b > c'],
  ])('of %j is %j', (source, text) => {
    expect(inlineText(source)).toBe(text);
    expect(remarkText(source).trim()).toBe(text.trim());
  });

  it('leaves struck-out text out if asked', () => {
    expect(inlineText('~~low~~ high', 'drop')).toBe(' high');
  });

  it('equals the text that remark finds, for words with emphasis, code, escapes, links and references', () => {
    const word = fc.stringMatching(/^[a-z]{1,5}$/);
    const piece = fc.oneof(
      word,
      word.map((text) => `**${text}**`),
      word.map((text) => `_${text}_`),
      word.map((text) => `***${text}***`),
      word.map((text) => `~~${text}~~`),
      word.map((text) => `\`${text} * _\``),
      word.map((text) => `[${text}](https://a.example/${text})`),
      word.map((text) => `**a ${text} _b_**`),
      fc.constantFrom('\\*', '\\[x]', '&amp;', '&#35;', '*', '_', '<b>', '</b>'),
    );
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 8 }), (pieces) => {
        const source = `x ${pieces.join(' ')} x`;
        expect(inlineText(source)).toBe(remarkText(source));
      }),
    );
  });

  it('is found in linear time for any text', () => {
    for (const unit of ['*', '_a', '`', '[', '![', '](', '<', '&#', '\\', '~~', '**a_', '[a](']) {
      const start = performance.now();
      inlineText(unit.repeat(2000 / unit.length));
      expect(performance.now() - start, unit).toBeLessThan(1000);
    }
    const long = '*a* '.repeat(100_000);
    expect(inlineText(long)).toBe(long);
  });
});

describe('plain characters', () => {
  it('replace wide, invisible and look-alike ones, and keep joiners of letters', () => {
    expect(plainCharacters('ｈｉｇｈ：\u00A0２–３\u200B')).toBe('high: 2-3');
    expect(plainCharacters('نمی\u200Cشود 👩\u200D💻')).toBe('نمی\u200Cشود 👩\u200D💻');
  });
});
