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

describe('what a heading says', () => {
  it('is without its opening and closing hashes', () => {
    expect(heading('### Port conflicts')).toBe('Port conflicts');
    expect(heading('#\t Port conflicts   ##')).toBe('Port conflicts');
  });

  it('keeps hashes that close nothing', () => {
    expect(heading('### C#')).toBe('C#');
    expect(heading('### C \\#')).toBe('C \\#');
    expect(heading('### #1 of #2')).toBe('#1 of #2');
  });

  it('is empty where only hashes stand', () => {
    expect(heading('###')).toBe('');
    expect(heading('### ###')).toBe('');
  });

  it('is without the underline of a setext heading, which may have several lines and begin with a hash', () => {
    expect(heading('Port\n  conflicts \n===')).toBe('Port\n  conflicts');
    expect(heading('#hashtag\r\n---')).toBe('#hashtag');
    expect(heading('####### seven\n---')).toBe('####### seven');
  });
});

describe('the lines of a paragraph', () => {
  it('are without blanks around them, whatever ends a line', () => {
    const text = 'one  \r\n\t two\r three\nfour';
    const said = paragraphLines(text, { start: 0, end: text.length }).map(({ start, end }) => text.slice(start, end));
    expect(said).toEqual(['one', 'two', 'three', 'four']);
  });

  it('keep what CommonMark does not count as blank', () => {
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

  it('leave out the indentation of the closing fence of a list item', () => {
    expect(fence('```yaml\n  a: 1\n  ```').content).toBe('  a: 1\n');
  });

  it('are empty where nothing stands between', () => {
    expect(fence('```\n```')).toEqual({ language: '', content: '', closed: true });
    expect(fence('```js', false)).toEqual({ language: 'js', content: '', closed: false });
  });

  it('reach to the end where no fence closes it, though the last line looks like one', () => {
    expect(fence('```\na\n    ```', false)).toEqual({ language: '', content: 'a\n    ```', closed: false });
  });
});
