import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly dependencies: Readonly<Record<string, string>>;
};

/** The packages whose values, not types alone, the sources import. */
function imported(): readonly string[] {
  const statement = /^(?:import|export)(?! type)[^;]*? from '((?:@[^/']+\/)?[^./'][^/':]*)(?:\/[^']*)?';$/gm;
  const names = globSync('src/**/*.ts', { cwd: root }).flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(statement)].map((match) => match[1] ?? ''),
  );
  return [...new Set(names)].toSorted();
}

describe('dist/third-party-licenses.txt', () => {
  const licences = readFileSync(join(root, 'dist/third-party-licenses.txt'), 'utf8');
  const bundled = imported().filter((name) => !(name in dependencies));

  it.each(bundled)('names %s, whose code is bundled, with the text of its licence', (name) => {
    const entry = licences.split('\n\n\n').find((text) => text.startsWith(`${name} `));
    expect(entry).toMatch(/Permission|Redistribution|Apache License/);
  });

  it('names their dependencies too', () => {
    expect(bundled).toContain('remark-parse');
    expect(licences).toMatch(/^micromark \d/m);
  });

  it.each(Object.keys(dependencies))('does not name %s, which is installed rather than bundled', (name) => {
    expect(licences).not.toMatch(new RegExp(`^${name} \\d`, 'm'));
  });
});
