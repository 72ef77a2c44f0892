import { describe, expect, it } from 'vitest';
import { join } from 'node:path';
import { openSqliteStore } from '../../src/remediation/store/sqlite/store.ts';
import { run, temporaryFolder } from './run.ts';

describe('commands without an engine', () => {
  it.for([
    [['detect']],
    [['plan']],
    [['remediate']],
    [['remediate', '--all']],
    [['remediate', '--all', '--yes']],
  ] as const)('exit with 2 and advice: problems %j', async ([args]) => {
    await using folder = temporaryFolder();
    const { code, stdout, stderr } = await run(args, { cwd: folder.path });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('unix:///nonexistent/docker.sock cannot be reached');
    expect(stderr).toContain('Start the engine, or set DOCKER_HOST');
  });
});

describe('problems resume', () => {
  it('does not report success, since it could not check anything', async () => {
    await using folder = temporaryFolder();
    const { code, stderr } = await run(['resume'], { cwd: folder.path });
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'Nothing to do.\n' });
  });
});

describe('problems runs lift', () => {
  it('shows why an instance is suspended, and lifts the suspension only after confirmation', async () => {
    await using folder = temporaryFolder();
    const file = join(folder.path, '.problems', 'state.db');
    const store = await openSqliteStore(file);
    await store.suspensions.add('orders', 'undoing run r1 failed', '2026-01-02T03:04:05.000Z');
    store.close();
    function lift(...args: readonly string[]) {
      return run(['runs', 'lift', ...args], { cwd: folder.path });
    }
    const why = 'orders has been suspended since 2026-01-02T03:04:05.000Z: undoing run r1 failed\n';

    expect(await lift('orders')).toMatchObject({ code: 1, stdout: why, stderr: expect.stringContaining('--yes') });
    const shown = await lift('orders', '--json');
    expect(JSON.parse(shown.stdout)).toEqual({
      schemaVersion: 1,
      instance: 'orders',
      suspension: { reason: 'undoing run r1 failed', at: '2026-01-02T03:04:05.000Z' },
      lifted: false,
    });
    expect(await lift('orders', '--yes')).toMatchObject({ code: 0, stdout: why });
    expect(await lift('orders')).toMatchObject({ code: 0, stdout: 'orders is not suspended.\n' });
    const after = await openSqliteStore(file);
    expect((await after.audit.list()).map(({ event }) => event)).toEqual(['suspended', 'suspension-lifted']);
    after.close();
  });

  it('refuses a call without an instance', async () => {
    await using folder = temporaryFolder();
    expect(await run(['runs', 'lift'], { cwd: folder.path })).toMatchObject({ code: 2, stdout: '' });
  });
});

describe('problems remediate', () => {
  it('requires --all before --yes approves every finding', async () => {
    await using folder = temporaryFolder();
    const { code, stderr } = await run(['remediate', '--yes'], { cwd: folder.path });
    expect(code).toBe(2);
    expect(stderr).toContain('Name a problem, or add --all.');
  });

  it('accepts --record and --no-record, alone and after --yes', async () => {
    await using folder = temporaryFolder();
    for (const option of ['--record', '--no-record']) {
      const { stderr } = await run(['remediate', '--all', '--yes', option], { cwd: folder.path });
      expect(stderr, option).toContain('cannot be reached');
    }
  });
});
