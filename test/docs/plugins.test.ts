import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { readPage, root, writeExamples } from './page.ts';

function filesIn(folder: string): Readonly<Record<string, string>> {
  return Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}

it('docs/plugins.md shows the example plugin, file by file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'plugin-page-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeExamples(readPage('docs/plugins.md'), folder);
  expect(filesIn(join(folder, 'plugins/restart-policy'))).toEqual(filesIn(join(root, 'examples/plugin')));
});
