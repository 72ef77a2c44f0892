import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { scanAll } from '../../src/scan/scan.ts';
import { isIgnored, parsePatterns } from '../../src/scan/patterns.ts';
import { cpuTimeOf } from '../cpu-time.ts';
import { found, record, tree } from '../scan/tree.ts';

/** Lines that took a matcher that backtracks longer than anyone waits. Each is for names of `a`. */
const worst: Readonly<Record<string, string>> = {
  'many stars in a name': `${'*a'.repeat(60)}b`,
  'many stars and question marks': `${'*?'.repeat(60)}b`,
  'many sets between stars': `${'*[a-z]'.repeat(40)}b`,
  'folders and stars in turn': `${'**/*a*a/'.repeat(30)}b`,
  'stars of any number': `${'**a'.repeat(60)}b`,
};

describe('a pattern', () => {
  it.each(Object.entries(worst))('with %s takes about as long as a plain one', (_name, line) => {
    const long = 'a'.repeat(255);
    const paths = Array.from({ length: 40 }, (_, index) => `${`${long}/`.repeat(index % 8)}${long}`);
    const [hostile, plain] = [parsePatterns([line], ''), parsePatterns(['*aab/**/*aaab'], '')];
    const took = (patterns: typeof hostile) => cpuTimeOf(() => paths.forEach((path) => isIgnored(patterns, path)));
    expect(took(hostile)).toBeLessThan(1000 + 100 * took(plain));
  });

  it.each(Object.entries(worst))('with %s does not hold up a scan', async (_name, line) => {
    const name = 'a'.repeat(200);
    const files = { 'PROBLEMS.md': record('One'), [`${name}/${name}/${name}/PROBLEMS.md`]: record('Two') };
    const root = tree({ '.git/HEAD': '', '.git/info/exclude': line, '.gitignore': line, '.ignore': line, ...files });
    expect(Object.keys(await found(root, { ignore: [line], configFolder: root }))).toHaveLength(2);
  });

  it('that is not text, or as long as an ignore file may be, is read in linear time', async () => {
    const root = tree({
      'PROBLEMS.md': record('One'),
      '.gitignore': ' '.repeat(250_000) + 'x',
      '.ignore': '\0'.repeat(250_000),
      'in/.ignore': `${'\\'.repeat(100_001)}\n${'['.repeat(100_000)}`,
      'in/PROBLEMS.md': record('Two'),
    });
    const { registries } = await scanAll(['.'], { cwd: join(root) });
    expect(registries).toHaveLength(2);
  });
});

describe('git’s config of a repository', () => {
  it.each([
    ['a section that does not end', `[${' '.repeat(5_000)}`],
    ['a name in quotes that does not end', `[a "${String.raw`\"`.repeat(50_000)}`],
    ['a value of quotes that do not end', `[core]\nexcludesFile = ${'"\\\\'.repeat(50_000)}`],
    ['itself, again and again', '[include]\npath = config\n'.repeat(1_000)],
  ])('with %s does not hold up a scan', async (_, text) => {
    const root = tree({ '.git/HEAD': '', '.git/config': text, 'PROBLEMS.md': record('One') });
    const began = process.cpuUsage().user;
    const { registries } = await scanAll(['.'], { cwd: root });
    expect(registries).toHaveLength(1);
    expect((process.cpuUsage().user - began) / 1_000).toBeLessThan(3_000);
  });
});
