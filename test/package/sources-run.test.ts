import { globSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../../src');

/** `node src/cli/bin.ts` uses Node's own parser, which refuses some of what the compiler and the tests accept. */
it('Node can run every source without a build', () => {
  const refused = globSync('**/*.ts', { cwd: root }).flatMap((path) => {
    try {
      stripTypeScriptTypes(readFileSync(join(root, path), 'utf8'));
      return [];
    } catch (error) {
      return [`${path}: ${String(error)}`];
    }
  });
  expect(refused).toEqual([]);
});
