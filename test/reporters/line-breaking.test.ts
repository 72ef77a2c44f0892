import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { brokenLines, widthOf } from '../../src/reporters/wrap-text.ts';
import { cpuTimeOf } from '../cpu-time.ts';

const family = '👩‍👩‍👧‍👦';

describe('breakLines', () => {
  it('breaks after a blank between words, and inside a word only if no line has room for it', () => {
    expect(brokenLines('the memory of each backend', 12, 'words')).toEqual(['the memory', 'of each', 'backend']);
    expect(brokenLines('an unbreakable word', 6, 'words')).toEqual(['an unb', 'reakab', 'le', 'word']);
    expect(brokenLines('fits', 4, 'words')).toEqual(['fits']);
    expect(brokenLines('', 4, 'words')).toEqual(['']);
  });

  it('breaks after the parts of a path or an id that fit', () => {
    expect(brokenLines('postgres/port-allocation', 12, 'anywhere')).toEqual(['postgres/', 'port-', 'allocation']);
    expect(brokenLines('postgres/port-allocation', 6, 'anywhere')).toEqual([
      'postgr',
      'es/',
      'port-a',
      'llocat',
      'ion',
    ]);
  });

  it('counts columns, not code units: two for a wide character and for an emoji of several', () => {
    expect(brokenLines('数据库连接池耗尽', 7, 'words')).toEqual(['数据库', '连接池', '耗尽']);
    expect(brokenLines(`${family}${family}${family}`, 4, 'words')).toEqual([`${family}${family}`, family]);
    expect(brokenLines('e\u0301e\u0301e\u0301', 2, 'words')).toEqual(['e\u0301e\u0301', 'e\u0301']);
  });

  it('exceeds no width, loses only blanks, and splits no character, for any text and width', () => {
    const text = fc
      .array(fc.oneof(fc.constantFrom(family, '水', ' ', '-', 'e\u0301', '🇩🇪', '\u200b', 'word'), fc.string()))
      .map((parts) => parts.join('').replaceAll(/\p{Cc}/gu, ''));
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 30 }), fc.constantFrom('words', 'anywhere'), (given, width, how) => {
        const lines = brokenLines(given, width, how);
        for (const line of lines) {
          expect(widthOf(line) <= width || charactersOf(line).filter((one) => widthOf(one) > 0).length === 1).toBe(
            true,
          );
        }
        if (lines.length === 1) expect(lines[0]?.trimEnd()).toBe(given.trimEnd());
        const blank = /^\s+$/;
        expect(lines.flatMap(charactersOf).filter((one) => !blank.test(one))).toEqual(
          charactersOf(given).filter((one) => !blank.test(one)),
        );
      }),
    );
  });

  it('takes time in proportion to a long text without a width', () => {
    const timeOf = (length: number): number =>
      cpuTimeOf(() => expect(brokenLines(`wide ${'\u200b'.repeat(length)}`, 4, 'words')).toHaveLength(2));
    timeOf(5_000);
    expect(timeOf(60_000)).toBeLessThan(6 * 4 * Math.max(50, timeOf(10_000)));
  });
});

function charactersOf(text: string): readonly string[] {
  return [...new Intl.Segmenter('en').segment(text)].map(({ segment }) => segment);
}
