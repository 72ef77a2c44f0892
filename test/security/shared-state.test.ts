import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { findStateFile } from '../../src/app/state-file.ts';
import { approve, remediate, resume, runs } from '../../src/app/remediation.ts';
import { ProblemsError } from '../../src/errors.ts';
import { createTestHost } from '../../src/testing/index.ts';
import { run } from '../cli/run.ts';
import { answers, brokenFolder, openFolder, removeFolder } from '../remediation/broken-files.ts';

const docker = {
  info: async () => ({ ...(await createTestHost().reader.docker.info()), id: 'AB:CD/..' }),
};

const away = {
  info: async () => {
    throw new ProblemsError('engine-unreachable', 'no engine');
  },
};

let top: string;

beforeEach(async () => {
  top = await mkdtemp(join(tmpdir(), 'problems-shared-'));
  vi.stubEnv('XDG_STATE_HOME', join(top, 'home'));
  vi.stubEnv('PROBLEMS_STATE', '');
  vi.stubEnv('DOCKER_HOST', 'unix:///nonexistent/one.sock');
});
afterEach(() => vi.unstubAllEnvs());

describe('the state file', () => {
  it('is in the user’s state folder, one for each engine, and in none of the repository', async () => {
    const folder = join(top, 'project');
    await mkdir(join(folder, '.problems'), { recursive: true });
    await writeFile(join(folder, '.problems', 'state.db'), 'of a stranger');
    expect(await findStateFile({ folder, stated: undefined, docker })).toEqual({
      path: join(top, 'home', 'problems', 'engines', 'AB_CD___', 'state.db'),
      unused: join(folder, '.problems', 'state.db'),
      engine: 'AB_CD___',
    });
  });

  it('is the one that the config or PROBLEMS_STATE names, from the project’s folder', async () => {
    const folder = join(top, 'project');
    expect(await findStateFile({ folder, stated: 'own/state.db', docker: away })).toEqual({
      path: join(folder, 'own/state.db'),
      unused: undefined,
    });
    vi.stubEnv('PROBLEMS_STATE', '/srv/state.db');
    expect((await findStateFile({ folder, stated: undefined, docker: away }))?.path).toBe('/srv/state.db');
  });

  it('is that of the engine which last answered at the address, while none answers', async () => {
    const options = { folder: top, stated: undefined };
    expect((await findStateFile({ ...options, docker: away }))?.path).toContain('at-unix____nonexistent_one_sock');
    expect(await findStateFile({ ...options, docker: away, onlyLooking: true })).toBeUndefined();
    expect(await findStateFile({ ...options, docker: away })).toMatchObject({ isGuess: true });
    const place = await findStateFile({ ...options, docker });
    expect(place).not.toHaveProperty('isGuess');
    expect(await findStateFile({ ...options, docker: away })).toEqual(place);
    vi.stubEnv('DOCKER_HOST', 'unix:///nonexistent/other.sock');
    expect((await findStateFile({ ...options, docker: away }))?.path).toContain('other_sock');
  });
});

describe('projects that share a state file', { timeout: 120_000 }, () => {
  it('see the runs of each other, and carry out only their own, whose files are theirs', async () => {
    const [one, other] = [await brokenFolder(), await brokenFolder()];
    vi.stubEnv('PROBLEMS_STATE', join(top, 'state.db'));
    const first = await openFolder(one);
    const { runs: waiting } = await remediate(first, { automation: 'approve' });
    const id = waiting[0]?.id ?? '';
    const second = await openFolder(other);
    expect((await runs(second)).map((run) => run.id)).toContain(id);
    const refused = { code: 'bad-usage', hint: expect.stringContaining(one) };
    await expect(approve(second, id, 'me')).rejects.toMatchObject(refused);
    expect(await resume(second)).toEqual([]);
    expect(await answers(one)).toEqual(['wrong', 'wrong', 'wrong']);
    expect(await approve(first, id, 'me')).toMatchObject({ outcome: 'fixed' });
    first.close();
    second.close();
    await Promise.all([removeFolder(one), removeFolder(other)]);
  });

  it('miss only the instances that were seen in their own', async () => {
    vi.stubEnv('PROBLEMS_STATE', join(top, 'state.db'));
    const [one, other] = [await brokenFolder(), await brokenFolder()];
    const first = await openFolder(one);
    await first.session.seenInstances.see(['orders'], '2026-05-01T10:00:00Z');
    const second = await openFolder(other);
    expect((await first.session.reader.expected()).map(({ name }) => name)).toEqual(['orders']);
    expect(await second.session.reader.expected()).toEqual([]);
    expect(await second.session.seenInstances.forget('orders', '2026-05-01T11:00:00Z')).toBe(false);
    first.close();
    second.close();
    await Promise.all([removeFolder(one), removeFolder(other)]);
  });

  it.each([['runs'], ['resume']])(
    'is not taken for empty by problems %s if no engine has ever answered',
    async (command) => {
      const { code, stderr } = await run([command]);
      expect(stderr).toContain('The Docker Engine at unix:///nonexistent/one.sock cannot be reached');
      expect(code).toBe(2);
    },
  );
});
