import { describe, expect, it } from 'vitest';
import { importProblems } from '../../src/index.ts';

function titlesOf(text: string): readonly string[] {
  return importProblems(text).proposals.map(({ title }) => title);
}

describe('importProblems', () => {
  it('takes a heading with two labels below it for a problem', () => {
    const text = '# Known issues\n\n### 1. Lost updates (FIXED)\n**Problem**: two writers\n**Root cause**: no lock\n';
    const { proposals } = importProblems(text);
    expect(proposals).toMatchObject([
      {
        title: 'Lost updates',
        rawTitle: '1. Lost updates (FIXED)',
        line: 3,
        endLine: 5,
        kind: 'resolved',
        occurrence: 1,
      },
    ]);
    expect(proposals[0]?.sections).toMatchObject([
      { key: 'description', text: 'two writers', lines: { line: 4, endLine: 4 } },
      { key: 'rootCause', text: 'no lock', lines: { line: 5, endLine: 5 } },
    ]);
  });

  it('counts equal titles', () => {
    const one = '### Timeout\n**Problem**: a\n**Cause**: b\n\n';
    expect(importProblems(one + one).proposals.map(({ occurrence }) => occurrence)).toEqual([1, 2]);
  });

  it('proposes nothing from records that have markers', () => {
    const record = '### Timeout\n**Problem**: a\n**Cause**: b\n';
    expect(titlesOf(`<!-- EMBED:ACTIVEPROBLEM:START -->\n${record}<!-- EMBED:ACTIVEPROBLEM:END -->\n`)).toEqual([]);
  });

  it('proposes nothing from front matter, comments and code', () => {
    const record = '### Timeout\n**Problem**: a\n**Cause**: b\n';
    for (const [open, close] of [
      ['```', '```'],
      ['<!--', '-->'],
    ]) {
      expect(titlesOf(`${open}\n${record}${close}\n`)).toEqual([]);
    }
    expect(titlesOf(`---\ntitle: x\n${record}---\n`)).toEqual([]);
  });

  it('says when there is nothing to propose', () => {
    expect(importProblems('# Notes\n\nAll is well.\n').nothing).toMatch(/^No /);
  });
});
