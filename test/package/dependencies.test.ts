import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/dependencies.md'), 'utf8');
const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Readonly<
  Record<'dependencies' | 'devDependencies', Readonly<Record<string, string>>>
>;

/** The packages in the first column of the table below a heading. */
function packagesUnder(heading: string): readonly string[] {
  const section = page.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? '';
  const cells = [...section.matchAll(/^\| ([^|]*?) *\|/gm)].map((match) => match[1] ?? '').slice(2);
  return cells.flatMap((cell) => cell.split(/, (?:and )?| and /)).toSorted();
}

describe('docs/dependencies.md', () => {
  it('lists as installed what package.json lists as dependencies', () => {
    expect(packagesUnder('Installed')).toEqual(Object.keys(dependencies).toSorted());
    for (const name of Object.keys(dependencies)) expect(page.slice(0, page.indexOf('## '))).toContain(`**${name}**`);
  });

  it('lists every other package of package.json as bundled or as a tool, once, and no other', () => {
    const listed = [...packagesUnder('Bundled'), ...packagesUnder('Tools')].filter((name) => name !== 'micromark');
    expect(listed.filter((name) => name !== '`@types/…`').toSorted()).toEqual(
      Object.keys(devDependencies)
        .filter((name) => !name.startsWith('@types/'))
        .toSorted(),
    );
  });
});
