import { describe, expect, it } from 'vitest';
import { githubReport } from '../../src/reporters/github.ts';
import { diagnosticAt } from './diagnostic.ts';

const text = 'one\ntwo\nthree\n';

describe('GitHub annotations', () => {
  it('name file, lines, columns and code', () => {
    const diagnostic = diagnosticAt(text, 'two', 'term-unknown', { message: 'Wrong.', hint: 'Mend it.' });
    expect(githubReport([diagnostic])).toBe(
      '::error file=PROBLEMS.md,line=2,endLine=2,col=1,endColumn=4,title=term-unknown::Wrong. Mend it.\n',
    );
  });

  it('omit columns if both ends are on different lines, as GitHub requires', () => {
    const diagnostic = diagnosticAt(text, 'two\nthree', 'term-unknown', { message: 'Wrong.', hint: '' });
    expect(githubReport([diagnostic])).toBe('::error file=PROBLEMS.md,line=2,endLine=3,title=term-unknown::Wrong.\n');
  });

  it('escape characters that would end a message or a property', () => {
    const diagnostic = diagnosticAt(text, 'two', 'label-unknown', {
      path: 'a,b:c%/PROBLEMS.md',
      message: '100%\r\n::error::no',
      hint: '',
    });
    expect(githubReport([diagnostic])).toBe(
      '::warning file=a%2Cb%3Ac%25/PROBLEMS.md,line=2,endLine=2,col=1,endColumn=4,title=label-unknown::100%25%0D%0A::error::no\n',
    );
  });

  it('hand no character to a terminal that it would obey, in names of files either', () => {
    const diagnostic = diagnosticAt(text, 'two', 'label-unknown', {
      path: 'a\u001b[2J\u202ec/PROBLEMS.md',
      message: '\u001b]8;;http://x\u0007',
      hint: '',
    });
    expect(githubReport([diagnostic])).toMatch(/^::warning file=a\\u\{1b\}\[2J\\u\{202e\}c\/PROBLEMS\.md,/);
    // oxlint-disable-next-line no-control-regex -- These are to be absent.
    expect(githubReport([diagnostic])).not.toMatch(/[\u001b\u0007\u202e]/);
  });

  it('put errors first, show ten of each level and state how many are hidden', () => {
    const warnings = Array.from({ length: 13 }, () => diagnosticAt(text, 'two', 'label-unknown'));
    const errors = Array.from({ length: 11 }, () => diagnosticAt(text, 'two', 'term-unknown'));
    const lines = githubReport([...warnings, ...errors])
      .trimEnd()
      .split('\n');
    expect(lines.slice(0, 10).every((line) => line.startsWith('::error '))).toBe(true);
    expect(lines.slice(10, 20).every((line) => line.startsWith('::warning '))).toBe(true);
    expect(lines.slice(20)).toEqual([
      '::notice title=problems::1 more error and 3 more warnings not shown here; `problems validate` lists them all',
    ]);
  });
});
