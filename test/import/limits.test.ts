import { describe, expect, it } from 'vitest';
import { importProblems } from '../../src/import/index.ts';
import { cpuTimeOf } from '../cpu-time.ts';

const megabyte = 1_000_000;

/** A unit until the text has 1 MB, or, for texts that reach a limit before, as many lines as are still read. */
function filled(unit: string, mostLines = 24_900): string {
  const lines = Math.max(1, unit.split('\n').length - 1);
  return unit.repeat(Math.min(Math.ceil(megabyte / unit.length), Math.floor(mostLines / lines)));
}

const long = 'word '.repeat(5);

/** Texts that would take long if anything were tried again and again. */
const worst: Readonly<Record<string, string>> = {
  'problems with labels': filled('### 1. Title (FIXED)\n**Problem**: a b\n**Solution**: Fixed b\n\n', 15_900),
  'headings in one group': `## Known issues\n${filled('### a b\nb\n', 7_900)}`,
  'headings of every level': filled('# a b\n## b\n### c\n#### d\n##### e\n###### f\n', 3_900),
  'bold lines as titles': filled('**a b c**\n- **Problem**: x\n'),
  'items of one list': `# Known issues\n${filled(`- ${long}\n`)}`,
  'items with labels': `# Known issues\n${filled('- a b\n  - **Problem**: x\n    - **Fix**: y\n')}`,
  'items, each deeper than the last': `# Known issues\n${Array.from({ length: 1_400 }, (_, depth) => `${' '.repeat(depth)}- a b`).join('\n')}`,
  'rows of a table': `# Known issues\n| Issue | Status |\n|---|---|\n${filled(`| ${long} | open |\n`)}`,
  'a row of many cells': `# Known issues\n|${' a |'.repeat(megabyte / 4)}\n|${'-|'.repeat(megabyte / 4)}\n`,
  tables: `# Known issues\n${filled('| Issue | Status |\n|---|---|\n| a b | Open |\n\n')}`,
  'labels in one problem': `## Title of it\n${filled(`**Problem**: ${long}\n`)}`,
  'labels as headings': `## T\n${filled('### Problem\na\n### Solution\nb\n', 7_900)}`,
  'labels above lists': `# Known issues\n${filled('Fixed:\n- a b\n\n')}`,
  'links in a title': `# ${'[a b](c) '.repeat(megabyte / 9)}`,
  'links that never end': `# Known issues\n${filled(`- ${'[a]('.repeat(90)}\n`)}`,
  'a title that only states': `# ${'(fixed) '.repeat(megabyte / 8)}`,
  'open brackets': '('.repeat(megabyte),
  stars: '*'.repeat(megabyte),
  'strong text that never ends': '**a '.repeat(megabyte / 4),
  underscores: '_a_ '.repeat(megabyte / 4),
  colons: 'a: '.repeat(megabyte / 3),
  quotes: '> '.repeat(megabyte / 2),
  dashes: '- '.repeat(megabyte / 2),
  'comments that never end': filled('<!--\n'),
  fences: filled('```\n'),
  markers: filled('<!-- EMBED:ACTIVEPROBLEM:START -->\n'),
  'underlined headings': filled('a b c\n---\n', 7_900),
  'dates in a line': '2025-01-01 '.repeat(megabyte / 11),
  ticks: '✅'.repeat(megabyte / 3),
  'blanks alone': ' '.repeat(megabyte),
  'empty lines': '\n'.repeat(megabyte),
  'Chinese text': `# 已知问题\n${'问题：导出失败。'.repeat(megabyte / 24)}`,
};

describe('a hostile text of 1 MB', () => {
  it.each(Object.entries(worst))('is read in under a second: %s', (_name, text) => {
    const measure = (): number => cpuTimeOf(() => importProblems(text));
    // Another test of this process may have run meanwhile.
    const first = measure();
    expect(first < 1_000 ? first : measure()).toBeLessThan(1_000);
  });

  it('is refused with a reason if it is no file that people write', () => {
    expect(importProblems('\n'.repeat(50_000)).nothing).toBe('It has more than 25,000 lines.');
    expect(importProblems('## a\n'.repeat(5_000)).nothing).toBe('It has more than 4,000 headings.');
  });
});
