import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { manage } from '../../examples/swarm-manager.ts';
import { temporaryFolder } from '../cli/run.ts';

const registry = join(import.meta.dirname, '../../fixtures/resources/postgres/PROBLEMS.md');

describe('examples/swarm-manager.ts', () => {
  it('ranks the tasks of a folder, and reports when no engine answers', async () => {
    await using folder = temporaryFolder();
    cpSync(registry, join(folder.path, 'PROBLEMS.md'));
    const told: string[] = [];
    await manage({
      folder: folder.path,
      now: () => new Date('2026-01-01T00:00:00Z'),
      signal: new AbortController().signal,
      print: (line) => told.push(line),
    });
    expect(told[0]).toMatch(/^1 registries, [1-9]\d* tasks, \d+ diagnostics$/);
    expect(told.slice(1, -1)).toHaveLength(5);
    expect(told.at(-1)).toMatch(/^instances were not checked: .*docker\.sock cannot be reached/);
  });
});
