import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { remediate, type Remediation, rollback } from '../../../src/app/remediation.ts';
import { answers, brokenFiles, brokenFolder, openFolder, removeFolder } from '../broken-files.ts';
import { openListedEngine } from '../listed-engine.ts';

/** As a remediator of instances does, it says on which engine the data is. */
const onEngine: typeof brokenFiles = {
  ...brokenFiles,
  async plan(...args) {
    const found = await brokenFiles.plan(...args);
    if (found.type !== 'plan') return found;
    return { ...found, target: { ...found.target, volumes: ['volume:engine/orders'] } };
  },
};

let folder = '';
let sockets = '';
let opened: Remediation | undefined;
beforeEach(async () => {
  folder = await brokenFolder();
  sockets = await mkdtemp(join(tmpdir(), 'problems-engine-'));
});
afterEach(async () => {
  opened?.close();
  await removeFolder(folder);
  await rm(sockets, { recursive: true, force: true });
});

async function open(): Promise<Remediation> {
  opened?.close();
  // One file for every engine.
  opened = await openFolder(folder, { config: { state: 'state.db' }, remediators: [onEngine] });
  return opened;
}

/** Another engine answers at DOCKER_HOST. */
async function onAnotherEngine<Result>(work: () => Promise<Result>): Promise<Result> {
  const other = await openListedEngine(sockets, { ID: 'other' }, []);
  try {
    return await work();
  } finally {
    other.close();
  }
}

describe('a state file that two engines use', () => {
  it('undoes no run of the other engine, and says which one it is of', async () => {
    const [run] = (await remediate(await open())).runs;
    expect(run).toMatchObject({ outcome: 'fixed' });
    const id = run?.id ?? '';
    await onAnotherEngine(async () => {
      await expect(rollback(await open(), id)).rejects.toMatchObject({
        code: 'bad-usage',
        message: `Run ${id} is of the Docker engine engine, and other answers.`,
      });
    });
    expect(await answers(folder)).toEqual(['right', 'right', 'right']);
    expect(await rollback(await open(), id)).toMatchObject({ outcome: 'rolled-back' });
  });
});
