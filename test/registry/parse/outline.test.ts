import { describe, expect, it } from 'vitest';
import {
  type FenceNode,
  fenceParts,
  type HeadingNode,
  headingText,
  paragraphLines,
} from '../../../src/registry/parse/outline.ts';

function heading(text: string): string {
  const node: HeadingNode = { type: 'heading', depth: 3, start: 0, end: text.length };
  const { start, end } = headingText(text, node);
  return text.slice(start, end);
}

function fence(text: string, closed = true): { language: string; content: string; closed: boolean } {
  const node: FenceNode = { type: 'fence', closed, start: 0, end: text.length };
  const parts = fenceParts(text, node);
  return { ...parts, content: text.slice(parts.content.start, parts.content.end) };
}

describe('the text of a heading', () => {
  it('excludes its opening and closing hashes', () => {
    expect(heading('### Port conflicts')).toBe('Port conflicts');
    expect(heading('#\t Port conflicts   ##')).toBe('Port conflicts');
  });

  it('includes hashes that are not closing hashes', () => {
    expect(heading('### C#')).toBe('C#');
    expect(heading('### C \\#')).toBe('C \\#');
    expect(heading('### #1 of #2')).toBe('#1 of #2');
  });

  it('is empty if there are only hashes', () => {
    expect(heading('###')).toBe('');
    expect(heading('### ###')).toBe('');
  });

  it('excludes the underline of a setext heading, which may have several lines and begin with a hash', () => {
    expect(heading('Port\n  conflicts \n===')).toBe('Port\n  conflicts');
    expect(heading('#hashtag\r\n---')).toBe('#hashtag');
    expect(heading('####### seven\n---')).toBe('####### seven');
  });
});

describe('the lines of a paragraph', () => {
  it('exclude the blanks around them, with any line end', () => {
    const text = 'one  \r\n\t two\r three\nfour';
    const said = paragraphLines(text, { start: 0, end: text.length }).map(({ start, end }) => text.slice(start, end));
    expect(said).toEqual(['one', 'two', 'three', 'four']);
  });

  it('include characters that CommonMark does not count as blanks', () => {
    const text = '\u00a0one\f\ntwo\u00a0';
    const said = paragraphLines(text, { start: 0, end: text.length }).map(({ start, end }) => text.slice(start, end));
    expect(said).toEqual(['\u00a0one\f', 'two\u00a0']);
  });
});

describe('the parts of a fence', () => {
  it('are the first word of the info string in lower case, and all lines between', () => {
    expect(fence('```YAML title="x"\nimpact: 8\n\n```')).toEqual({
      language: 'yaml',
      content: 'impact: 8\n\n',
      closed: true,
    });
    expect(fence('~~~~ \r\na\r\n~~~~')).toEqual({ language: '', content: 'a\r\n', closed: true });
  });

  it('exclude the indentation of the closing fence in a list item', () => {
    expect(fence('```yaml\n  a: 1\n  ```').content).toBe('  a: 1\n');
  });

  it('are empty if there is nothing between the fences', () => {
    expect(fence('```\n```')).toEqual({ language: '', content: '', closed: true });
    expect(fence('```js', false)).toEqual({ language: 'js', content: '', closed: false });
  });

  it('reach to the end if no fence closes it, even if the last line looks like one', () => {
    expect(fence('```\na\n    ```', false)).toEqual({ language: '', content: 'a\n    ```', closed: false });
  });
});
