import fc from 'fast-check';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { importProblems, titleKey } from '../../src/import/index.ts';
import { blankRecord } from '../../src/registry/kinds/blank.ts';
import { kinds } from '../../src/registry/kinds/index.ts';
import { runsOf } from '../soak.ts';

const parts = [
  '# ',
  '## ',
  '### ',
  '#### 1. ',
  '- ',
  '  - ',
  '1. ',
  '- [ ] ',
  '> ',
  '| ',
  ' |',
  '|---|',
  '```\n',
  '~~',
  '**',
  '**Problem**: ',
  '**Status**: fixed',
  'Severity: high',
  '<!-- ',
  ' -->',
  '---\n',
  '===\n',
  'Known issues',
  'Fixed',
  '✅',
  '(2025-01-02)',
  ':',
  '\n',
  '\n\n',
  '    ',
  '\t',
  '问题：',
  'word ',
  '<!-- EMBED:ACTIVEPROBLEM:START -->\n',
];

const markdown = fc
  .array(fc.oneof(fc.constantFrom(...parts), fc.string({ maxLength: 8 })), { maxLength: 60 })
  .map((all) => all.join(''));

describe('any text', () => {
  it('gives proposals within its lines, in order and without overlaps, or a reason', () => {
    fc.assert(
      fc.property(markdown, (text) => {
        const { proposals, nothing, marked } = importProblems(text, { file: 'PROBLEMS.md' });
        const lines = text.split(/\r\n|\n|\r/).length;
        expect(nothing === null).toBe(proposals.length > 0);
        let last = 0;
        for (const { title, line, endLine, sections, rest, confidence } of proposals) {
          expect(title).not.toBe('');
          expect(line).toBeGreaterThan(last);
          expect(endLine).toBeGreaterThanOrEqual(line);
          expect(endLine).toBeLessThanOrEqual(lines);
          expect(confidence).toBeGreaterThan(0);
          expect(confidence).toBeLessThan(1);
          for (const place of [...sections.map((section) => section.lines), ...rest]) {
            expect(place.line).toBeGreaterThanOrEqual(line);
            expect(place.endLine).toBeLessThanOrEqual(endLine);
          }
          expect(marked.some((one) => one.line <= line && line <= one.endLine)).toBe(false);
          last = endLine;
        }
      }),
      { numRuns: runsOf(400) },
    );
  });

  it('gives the same twice', () => {
    fc.assert(
      fc.property(markdown, (text) => {
        expect(importProblems(text)).toEqual(importProblems(text));
      }),
      { numRuns: runsOf(50) },
    );
  });
});

describe('a registry', () => {
  it.each(kinds.map((kind) => [kind.name, kind] as const))('proposes nothing from a blank %s record', (_name, kind) => {
    expect(importProblems(blankRecord(kind), { file: 'PROBLEMS.md' }).proposals).toEqual([]);
  });

  it('proposes nothing of its records: every fixture with markers', () => {
    const folder = join(import.meta.dirname, '../../fixtures');
    for (const path of globSync('**/*.md', { cwd: folder })) {
      const text = readFileSync(join(folder, path), 'utf8');
      const { proposals, marked } = importProblems(text, { file: 'PROBLEMS.md' });
      for (const { line } of proposals)
        expect(
          marked.every((one) => line < one.line || line > one.endLine),
          path,
        ).toBe(true);
    }
  });
});

describe('a title', () => {
  const words = fc.array(
    fc.constantFrom('Lost', 'updates', 'Slow', 'queries', 'in', 'v2', 'Cache', 'страница', '导出'),
    { minLength: 2, maxLength: 6 },
  );

  it('comes back as it was, whatever number, state and decoration it had', () => {
    const dressed = fc.constantFrom(
      (title: string) => `### 1. ${title}`,
      (title: string) => `### ${title} (FIXED 2025-01-02)`,
      (title: string) => `### ~~${title}~~ ✅`,
      (title: string) => `### 🔴 ${title}`,
      (title: string) => `### BUG-7: ${title}`,
      (title: string) => `### Problem: ${title}`,
    );
    fc.assert(
      fc.property(words, dressed, (all, dress) => {
        const title = all.join(' ');
        const text = `# Problems\n\n## Issues\n\n${dress(title)}\n\n**Problem**: a\n\n**Cause**: b\n`;
        expect(importProblems(text).proposals.map((one) => one.title)).toEqual([title]);
      }),
      { numRuns: runsOf(100) },
    );
  });

  it('has one key whatever its case and signs', () => {
    expect(titleKey('Lost  Updates!')).toBe(titleKey('lost updates'));
    expect(titleKey('Lost updates')).not.toBe(titleKey('Lost update'));
    expect(titleKey('!!!')).toBe('!!!');
  });
});
