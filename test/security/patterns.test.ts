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
