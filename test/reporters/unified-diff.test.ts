import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unifiedDiff } from '../../src/reporters/unified-diff.ts';
import { temporaryFolder } from '../cli/run.ts';
import { runsOf } from '../soak.ts';

const names = { path: 'docs/PROBLEMS.md', isNew: false };

describe('a unified diff', () => {
  it('shows changes with three lines around them', () => {
    const before = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', ''].join('\n');
    expect(unifiedDiff(before, before.replace('e', 'E'), names)).toBe(
      `--- a/docs/PROBLEMS.md\n+++ b/docs/PROBLEMS.md\n@@ -2,7 +2,7 @@\n b\n c\n d\n-e\n+E\n f\n g\n h\n`,
    );
    expect(unifiedDiff(before, before, names)).toBe('');
  });

  it('escapes what a terminal would obey, and keeps tabs', () => {
    expect(unifiedDiff('', '\tred \u001B[31m\n', { path: 'a\u001B', isNew: true })).toBe(
      '--- /dev/null\n+++ b/a\\u{1b}\n@@ -0,0 +1,1 @@\n+\tred \\u{1b}[31m\n',
    );
  });

  it('is what git applies', async () => {
    const lines = fc.array(fc.constantFrom('a', 'b', 'c', 'd', '', 'e\r', '--- x', '+'), { maxLength: 12 });
    const text = fc.tuple(lines, fc.boolean()).map(([all, ends]) => all.join('\n') + (ends ? '\n' : ''));
    await fc.assert(
      fc.asyncProperty(text, text, async (before, after) => {
        fc.pre(before !== after && before !== '' && after !== '');
        await using folder = temporaryFolder({ 'docs/PROBLEMS.md': before });
        execFileSync('git', ['apply', '--whitespace=nowarn', '-'], {
          cwd: folder.path,
          input: unifiedDiff(before, after, names),
        });
        expect(readFileSync(join(folder.path, 'docs/PROBLEMS.md'), 'utf8')).toBe(after);
      }),
      { numRuns: runsOf(40) },
    );
  });

  it('takes time in proportion to the text', () => {
    const before = Array.from({ length: 10_000 }, (_, at) => `${at % 7 === 0 ? 'same' : at}\n`).join('');
    const after = before.replaceAll('5\n', '6\n').split('\n').toReversed().join('\n');
    const since = performance.now();
    unifiedDiff(before, after, names);
    expect(performance.now() - since).toBeLessThan(3_000);
  });
});
