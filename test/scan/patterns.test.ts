import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isIgnored, parsePatterns } from '../../src/scan/patterns.ts';
import { runsOf } from '../soak.ts';
import { emptyFolder, write } from './tree.ts';

function ignored(lines: readonly string[], path: string): boolean {
  return isIgnored(parsePatterns(lines, ''), path);
}

/** Whether git ignores each of the paths, which need not exist. */
function ignoredByGit(root: string, lines: readonly string[], paths: readonly string[]): readonly boolean[] {
  write(root, { rules: `${lines.join('\n')}\n` });
  const words = [
    '-c',
    `core.excludesFile=${join(root, 'rules')}`,
    'check-ignore',
    '--no-index',
    '--stdin',
    '-z',
    '-v',
    '-n',
  ];
  // It exits with 1 if it ignores none.
  const { stdout } = spawnSync('git', words, {
    cwd: join(root, 'repository'),
    input: paths.join('\0'),
    encoding: 'utf8',
  });
  const fields = stdout.split('\0');
  return paths.map((_path, index) => {
    const pattern = fields[index * 4 + 2] ?? '';
    return pattern !== '' && !pattern.startsWith('!');
  });
}

const part = fc.constantFrom(
  ...String.raw`a b ab - ] . * * ** *** ? / / /**/ [ab] [!a] [^a-] []a] [a-c] [c-a] [[:alpha:]] [[:no:]] [[:a] [ [a [a/b] [\]] [\ \ \* \a [!-a] [a-\c]`.split(
    ' ',
  ),
  ' ',
  String.raw`\ `,
);
const line = fc
  .tuple(
    fc.constantFrom('', '', '!', '/', '\\!', '\\#', '#'),
    fc.array(part, { minLength: 1, maxLength: 5 }),
    fc.constantFrom('', '', '/', ' ', '/**', '\t'),
  )
  .map(([before, parts, after]) => before + parts.join('') + after)
  // git cuts off the literal beginning of a path, and takes stars right behind it for a segment, against gitignore(5).
  .filter((text) => !/[^/!*]\*\*/.test(text));
const name = fc
  .array(fc.constantFrom('a', 'b', 'c', '-', ']', '[', '*', ' ', '.x', '\\', '!', '#'), {
    minLength: 1,
    maxLength: 3,
  })
  .map((characters) => characters.join(''));
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('/'));

describe('patterns', () => {
  it('match what git matches', { timeout: 120_000 }, () => {
    const root = emptyFolder();
    write(root, { 'repository/x': '' });
    execFileSync('git', ['init', '-q'], { cwd: join(root, 'repository') });
    const property = fc.property(
      fc.array(line, { minLength: 1, maxLength: 4 }),
      fc.uniqueArray(path, { minLength: 20, maxLength: 40 }),
      (lines, paths) => {
        expect(paths.map((one) => [one, ignored(lines, one)])).toEqual(
          ignoredByGit(root, lines, paths).map((isIgnoredThere, index) => [paths[index], isIgnoredThere]),
        );
      },
    );
    fc.assert(property, { numRuns: runsOf(60) });
  });

  it.each([
    ['a ', 'a', true],
    ['a\\ ', 'a ', true],
    ['a\\ ', 'a', false],
    ['a/**', 'a/', false],
    ['a/**', 'a/b/c', true],
    ['a/**/b', 'a/b', true],
    ['**/b', 'b', true],
    ['b/', 'b', false],
    ['b/', 'b/', true],
    ['?', '/', false],
    ['a?b', 'a/b', false],
    ['#a', '#a', false],
    ['', 'a', false],
    ['/', 'a', false],
    ['!', 'a', false],
  ])('%j matches %j: %s', (one, tested, isMatch) => {
    expect(ignored([one], tested)).toBe(isMatch);
  });
});
