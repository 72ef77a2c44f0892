import { cpSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { manage, programAgent } from '../../examples/swarm-manager.ts';
import { openSwarm } from '../../src/app/swarm.ts';
import { loadConfig } from '../../src/config/config.ts';
import { brokenProject, registry, task } from '../app/repairs.ts';
import { temporaryFolder } from '../cli/run.ts';
import { answers, removeFolder } from '../remediation/broken-files.ts';
import { hasPostgres, startPostgres } from '../swarm/postgres-server.ts';

let folder = '';
afterEach(() => removeFolder(folder));

async function round(agent?: Parameters<typeof manage>[0]['agent']): Promise<readonly string[]> {
  const told: string[] = [];
  await manage({
    folder,
    signal: new AbortController().signal,
    print: (line) => told.push(line.replaceAll(/\br[0-9a-f]{10}\b/g, 'RUN')),
    ...(agent === undefined ? {} : { agent }),
  });
  return told;
}

/** Echoes what it was told about the problem. */
const echo = programAgent(process.execPath, [
  '-e',
  "let t = ''; process.stdin.on('data', (d) => (t += d)).on('end', () => { const { task, record } = JSON.parse(t); console.log(`did ${task.id}, about ${record.title}`); process.exit(task.id.includes('keys') ? 3 : 0); });",
]);

function problem(title: string): string {
  return registry.replace('PostgreSQL files are wrong on orders', title);
}

/** Four problems: a remediator repairs one, an agent does two, and one waits for an approval. */
async function twoRounds(store?: string): Promise<void> {
  folder = await brokenProject();
  await writeFile(
    join(folder, 'PROBLEMS.md'),
    registry + problem('Mail is lost') + problem('Api keys leak') + problem('Search is slow'),
  );
  const path = join(folder, 'problems.config.json');
  const config = JSON.parse(await readFile(path, 'utf8'));
  config.triage = {
    classes: { other: 'auto', performance: 'approve' },
    problems: { ...config.triage.problems, 'postgres/mail-is-lost': 'auto', 'postgres/api-keys-leak': 'auto' },
  };
  if (store !== undefined) config.swarm = { store, project: 'example' };
  await writeFile(path, JSON.stringify(config));

  const first = await round(echo);
  expect(first[0]).toMatch(/^1 registries, 4 tasks, \d+ diagnostics$/);
  expect(first).toEqual(
    expect.arrayContaining([
      'queue: 4 added, 0 changed, 0 returned, 0 withdrawn',
      'run RUN: fixed broken-files/orders/wrong-text',
      'recorded in PROBLEMS.md',
      expect.stringMatching(new RegExp(`^done by repair-[12]: ${task}: Fixed by run RUN: `)),
      'done by agent-1: resolution-postgres--mail-is-lost: did resolution-postgres--mail-is-lost, about Mail is lost',
      'failed (step-failed) by agent-1: resolution-postgres--api-keys-leak: did resolution-postgres--api-keys-leak, about Api keys leak',
      'waits for approval: resolution-postgres--search-is-slow',
    ]),
  );
  expect(await answers(folder)).toEqual(['right', 'right', 'right']);
  expect(await readFile(join(folder, 'PROBLEMS.md'), 'utf8')).toContain('**Status:** [resolved]');

  const second = await round(echo);
  expect(second.filter((line) => /^(?:run|recorded|done|failed)/.test(line))).toEqual([]);
  expect(second.at(-1)).toBe('waits for approval: resolution-postgres--search-is-slow');
  const swarm = await openSwarm({ cwd: folder, config: await loadConfig(folder, { trust: 'given' }) });
  expect(await swarm.outcomes()).toHaveLength(3);
  swarm.close();
}

describe('examples/swarm-manager.ts', () => {
  it('repairs, lets an agent do the rest, keeps what happened, and repeats nothing in a second round', () =>
    twoRounds());

  it.runIf(hasPostgres)('does the same on PostgreSQL', async () => {
    await using server = await startPostgres();
    await twoRounds(server.socketUrl);
  });

  it('goes on with its agent if no engine answers', async () => {
    await using project = temporaryFolder();
    folder = project.path;
    cpSync(join(import.meta.dirname, '../../fixtures/resources/postgres/PROBLEMS.md'), join(folder, 'PROBLEMS.md'));
    const told = await round();
    expect(told[0]).toMatch(/^1 registries, [1-9]\d* tasks, \d+ diagnostics$/);
    expect(told).toContainEqual(
      expect.stringMatching(/^instances were not repaired: .*docker\.sock cannot be reached/),
    );
  });
});
