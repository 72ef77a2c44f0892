import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkPaths } from '../../src/app/scan.ts';
import { openSwarm, type ProjectSwarm } from '../../src/app/swarm.ts';
import { loadConfig } from '../../src/config/config.ts';
import { readRegistry } from '../../src/registry/parse/read.ts';
import { spawned, temporaryFolder } from '../cli/run.ts';

function registryOf(...problems: readonly string[]): string {
  return problems
    .map(
      (title) => `<!-- EMBED:ACTIVEPROBLEM:START -->
### ${title}
**Status:** [active]
**Severity:** [high]
**Frequency:** [frequent]
**Impact:** [degraded_performance]
**Last Occurrence:** 2026-01-02

#### Investigation Status
- **Root Cause:** A bug.
<!-- EMBED:ACTIVEPROBLEM:END -->
`,
    )
    .join('\n');
}

const config = 'triage: { classes: { other: auto } }\n';

async function opened(cwd: string): Promise<ProjectSwarm> {
  return openSwarm({ cwd, config: await loadConfig(cwd), store: '.problems/queue.db' });
}

async function scanned(cwd: string, swarm: ProjectSwarm) {
  const { registries, diagnostics } = await checkPaths(['.'], { cwd, config: await loadConfig(cwd) });
  return swarm.sync(registries, diagnostics);
}

describe('the queue of a project', () => {
  it('holds the tasks of its registries, and lets an agent do them', async () => {
    await using folder = temporaryFolder({
      'PROBLEMS.md': registryOf('Mail is lost', 'Search is slow'),
      'problems.config.yaml': config,
    });
    const swarm = await opened(folder.path);
    expect(await scanned(folder.path, swarm)).toMatchObject({
      added: ['resolution-root--mail-is-lost', 'resolution-root--search-is-slow'],
    });
    const claim = await swarm.claim({ worker: 'agent-1' });
    expect(claim).toMatchObject({
      name: expect.stringMatching(/^resolution-root--mail-is-lost@\d+$/),
      task: { title: 'Resolve Mail is lost', problem: 'root/mail-is-lost', target: 'PROBLEMS.md', automation: 'auto' },
    });
    expect(await claim?.report({ result: 'done', notes: 'It waits now.', cost: 3 })).toEqual({
      accepted: true,
      state: 'done',
    });
    expect(await swarm.outcomes()).toMatchObject([{ problem: 'root/mail-is-lost', notes: 'It waits now.', cost: 3 }]);
    swarm.close();
  });

  it('is the same from every folder of the project', async () => {
    await using folder = temporaryFolder({
      '.git/HEAD': 'ref: refs/heads/main\n',
      'mail/PROBLEMS.md': registryOf('Mail is lost'),
      'problems.config.yaml': config,
    });
    const [above, below] = [await opened(folder.path), await opened(join(folder.path, 'mail'))];
    await scanned(folder.path, above);
    expect(await scanned(join(folder.path, 'mail'), below)).toMatchObject({ unchanged: 1, changed: [], rescored: [] });
    expect(await below.tasks()).toEqual(await above.tasks());
    above.close();
    below.close();
  });

  it('withdraws what a registry no longer asks for, and nothing of a registry with errors', async () => {
    await using folder = temporaryFolder({
      'PROBLEMS.md': registryOf('Mail is lost', 'Search is slow'),
      'problems.config.yaml': config,
    });
    const swarm = await opened(folder.path);
    await scanned(folder.path, swarm);
    folder.write('PROBLEMS.md', `${registryOf('Mail is lost')}\n<!-- EMBED:ACTIVEPROBLEM:START -->\n### Cut off\n`);
    expect(await scanned(folder.path, swarm)).toMatchObject({ withdrawn: [] });
    folder.write('PROBLEMS.md', registryOf('Mail is lost'));
    expect(await scanned(folder.path, swarm)).toMatchObject({ withdrawn: ['resolution-root--search-is-slow'] });
    swarm.close();
  });

  it('does not count a registry that was not handed over', async () => {
    await using folder = temporaryFolder({ 'problems.config.yaml': config });
    const swarm = await opened(folder.path);
    const [mail, search] = ['mail', 'search'].map((component) =>
      readRegistry(registryOf(`${component} fails`), { path: `${component}/PROBLEMS.md`, component }),
    );
    if (mail === undefined || search === undefined) throw new TypeError('two registries');
    for (const { component } of [mail, search]) mkdirSync(join(folder.path, component));
    await swarm.sync([mail, search]);
    expect(await swarm.sync([search])).toMatchObject({ withdrawn: [], unchanged: 1 });
    swarm.close();
  });
});

describe('a claim', { timeout: 30_000 }, () => {
  async function claimed(cwd: string) {
    const swarm = await opened(cwd);
    await scanned(cwd, swarm);
    const claim = await swarm.claim({ worker: 'agent-1', lease: 1 });
    if (claim === undefined) throw new Error('There is nothing to claim.');
    return { swarm, claim };
  }
  const files = { 'PROBLEMS.md': registryOf('Mail is lost'), 'problems.config.yaml': config };

  it('is renewed by itself while its process works, longer than its lease', async () => {
    await using folder = temporaryFolder(files);
    const { swarm, claim } = await claimed(folder.path);
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    const other = await opened(folder.path);
    expect(await other.claim({ worker: 'agent-2' })).toBeUndefined();
    expect(claim.signal.aborted).toBe(false);
    expect(await claim.report({ result: 'done' })).toMatchObject({ accepted: true });
    other.close();
    swarm.close();
  });

  it('is aborted when its task is cancelled', async () => {
    await using folder = temporaryFolder(files);
    const { swarm, claim } = await claimed(folder.path);
    await swarm.cancel(claim.task.id, 'the wrong server');
    await once(claim.signal, 'abort');
    expect(claim.signal.reason).toMatchObject({
      code: 'interrupted',
      message: expect.stringContaining('the wrong server'),
    });
    expect(await claim.report({ result: 'failed', class: 'interrupted' })).toEqual({
      accepted: true,
      state: 'cancelled',
    });
    swarm.close();
  });

  it('is aborted when another worker has taken the task over, and its report is refused', async () => {
    await using folder = temporaryFolder(files);
    const swarm = await opened(folder.path);
    await scanned(folder.path, swarm);
    // This process stands still for longer than the lease, as a suspended machine does.
    const claim = await swarm.claim({ worker: 'agent-1', lease: 1 });
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_100);
    const other = await opened(folder.path);
    const next = await other.claim({ worker: 'agent-2' });
    expect(next?.task.id).toBe(claim?.task.id);
    if (claim?.signal.aborted === false) await once(claim.signal, 'abort');
    expect(claim?.signal.reason).toMatchObject({ code: 'lock-held' });
    expect(await claim?.report({ result: 'done' })).toEqual({ accepted: false, why: 'stale' });
    expect(await next?.report({ result: 'done' })).toMatchObject({ accepted: true });
    other.close();
    swarm.close();
  });

  it('is continued by another process, by its name', async () => {
    await using folder = temporaryFolder(files);
    const { swarm, claim } = await claimed(folder.path);
    const other = await opened(folder.path);
    const same = await other.continueClaim(claim.name, 60);
    expect(same?.task).toEqual(claim.task);
    expect(await same?.heartbeat('half done')).toMatchObject({ held: true });
    expect(await other.report(claim.name, { result: 'done' })).toEqual({ accepted: true, state: 'done' });
    expect(await other.continueClaim(claim.name)).toBeUndefined();
    expect(await other.report(claim.name, { result: 'done' })).toEqual({ accepted: true, state: 'done' });
    other.close();
    swarm.close();
  });

  it('given back, waits until the time that was said', async () => {
    await using folder = temporaryFolder(files);
    const { swarm, claim } = await claimed(folder.path);
    expect(await claim.release(new Date(Date.now() + 3_600_000))).toEqual({ accepted: true, state: 'open' });
    expect(await swarm.claim({ worker: 'agent-1' })).toBeUndefined();
    expect(await swarm.tasks()).toMatchObject([{ status: { waiting: { for: 'time' } }, failures: { uncounted: 0 } }]);
    swarm.close();
  });

  it('does not keep a process alive', async () => {
    await using folder = temporaryFolder(files);
    const program = `
      import { openSwarm } from ${JSON.stringify(join(import.meta.dirname, '../../src/app/swarm.ts'))};
      import { loadConfig } from ${JSON.stringify(join(import.meta.dirname, '../../src/config/config.ts'))};
      import { checkPaths } from ${JSON.stringify(join(import.meta.dirname, '../../src/app/scan.ts'))};
      const cwd = process.cwd();
      const config = await loadConfig(cwd);
      const swarm = await openSwarm({ cwd, config });
      await swarm.sync((await checkPaths(['.'], { cwd, config })).registries);
      const claim = await swarm.claim({ worker: 'w' });
      console.log(claim.task.id);`;
    const ran = await spawned(process.execPath, ['--input-type=module', '--eval', program], { cwd: folder.path });
    expect(ran).toMatchObject({ code: 0, stdout: 'resolution-root--mail-is-lost\n' });
  });
});
