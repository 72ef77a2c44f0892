import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { importRules } from '../../src/import/find.ts';
import { importProblems } from '../../src/import/index.ts';

/**
 * Small files in the habits of different authors. The front matter of each says what it is called where people keep it, what its
 * habit is, and which problems a careful reader finds in it: kind, severity or a dash, title.
 */
const files = globSync('*.md', { cwd: join(import.meta.dirname, 'habits') })
  .toSorted()
  .map((path) => {
    const text = readFileSync(join(import.meta.dirname, 'habits', path), 'utf8');
    const head = text.split('---\n')[1] ?? '';
    const file = /^file: (.*)$/m.exec(head)?.[1] ?? '';
    return {
      name: basename(path, '.md'),
      about: /^about: (.*)$/m.exec(head)?.[1] ?? '',
      expected: [...head.matchAll(/^ {2}- (.*)$/gm)].map(([, one = '']) => one),
      proposals: importProblems(text, { file }).proposals,
    };
  });

function plain(title: string): string {
  return title.replaceAll('`', '');
}

describe('the habits of different authors', () => {
  it.each(files)('$name: $about', ({ proposals, expected }) => {
    expect(proposals.map(({ kind, severity, title }) => `${kind} ${severity ?? '-'} ${plain(title)}`)).toEqual(
      expected,
    );
  });

  it('use every rule that takes something for a problem', () => {
    const used = new Set(files.flatMap(({ proposals }) => proposals.map(({ rule }) => rule)));
    const rules = importRules.filter(({ verdict }) => verdict === 'problem').map(({ name }) => name);
    expect(rules.filter((name) => !used.has(name))).toEqual([]);
  });
});
