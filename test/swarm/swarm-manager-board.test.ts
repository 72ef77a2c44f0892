import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exchange, type Exchanged } from '../../src/swarm/adapters/exchange.ts';
import { swarmManager } from '../../src/swarm/adapters/swarm-manager.ts';
import { openSqliteSwarm } from '../../src/swarm/sqlite/store.ts';
import type { SwarmStore } from '../../src/swarm/store.ts';
import { createSwarm, type Swarm } from '../../src/swarm/swarm.ts';
import { backlogFolders } from '../../src/tasks/formats/swarm-manager/index.ts';
import { type Folder, temporaryFolder } from '../cli/run.ts';
import { entry, everything } from './entries.ts';

const [mail, search] = ['resolution-mail', 'resolution-search'];
let folder: Folder;
let store: SwarmStore;
let swarm: Swarm;
let now: Date;

beforeEach(async () => {
  folder = temporaryFolder();
  now = new Date('2026-03-01T12:00:00Z');
  store = await openSqliteSwarm(':memory:', { project: '/srv/app', now: () => now });
  swarm = createSwarm(store, () => now);
});
afterEach(async () => {
  swarm.close();
  await folder[Symbol.asyncDispose]();
});

function exchanged(): Promise<Exchanged> {
  return exchange(swarm, swarmManager({ folder: folder.path, now: () => now }));
}

async function filesIn(...folders: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(
    folders.map(async (one) => (await readdir(join(folder.path, one))).map((name) => `${one}/${name}`)),
  );
  return found.flat();
}

async function move(from: string, to: string, task: string, values = ''): Promise<void> {
  const path = join(folder.path, to, `${task}.yaml`);
  await rename(join(folder.path, from, `${task}.yaml`), path);
  const text = await readFile(path, 'utf8');
  await writeFile(path, values === '' ? text : text.replace(/^completed_at: null$/m, values));
}

async function states(): Promise<object> {
  return Object.fromEntries((await swarm.tasks()).map(({ id, status }) => [id, status.state]));
}

describe('the folders of a swarm-manager', () => {
  it('are all made, and its agents see only what they may take now', async () => {
    await store.sync(
      [
        entry(mail, { component: 'mail' }),
        entry(search, { component: 'search', automation: 'approve' }),
        entry('resolution-keys', { component: 'keys', automation: 'human' }),
        entry('resolution-ports', { handler: 'port-reassignment', engine: 'E1' }),
        entry('monitoring-mail', { kind: 'monitoring', component: 'watch', dependencies: [mail] }),
      ],
      everything,
    );
    expect(await exchanged()).toMatchObject({ ready: [mail], notes: [] });
    for (const one of backlogFolders) await readdir(join(folder.path, one));
    expect(await filesIn('backlog/generated')).toEqual([`backlog/generated/${mail}.yaml`]);
    expect(await filesIn('backlog/people')).toEqual([
      'backlog/people/resolution-keys.yaml',
      `backlog/people/${search}.yaml`,
    ]);
    await swarm.approve(search, 'me');
    await exchanged();
    expect(await filesIn('backlog/generated')).toHaveLength(2);
    expect(await filesIn('backlog/people')).toEqual(['backlog/people/resolution-keys.yaml']);
  });

  it('give a task that was taken to nobody else, and its outcome to the queue, once', async () => {
    await store.sync([entry(mail, { component: 'mail' })], everything);
    await exchanged();
    await move('backlog/generated', 'staged', mail);
    expect(await exchanged()).toMatchObject({ held: [mail], ready: [] });
    expect(await swarm.claim({ worker: 'another agent' })).toBeUndefined();
    await move('staged', 'active', mail);
    now = new Date('2026-03-01T12:50:00Z');
    expect(await exchanged()).toMatchObject({ held: [mail] });
    now = new Date('2026-03-01T13:40:00Z');
    await move('active', 'completed', mail, 'completed_at: 2026-03-01T13:30:00Z');
    expect(await exchanged()).toMatchObject({ reported: [mail], notes: [] });
    expect(await exchanged()).toMatchObject({ reported: [], held: [], ready: [] });
    expect(await swarm.outcomes()).toMatchObject([
      { task: mail, result: 'done', notes: `2026-03-01T13:30:00.000Z completed/${mail}.yaml` },
    ]);
    expect(await states()).toEqual({ [mail]: 'done' });
  });

  it('turn a failure into an outcome with its error, once, and get the task again after its cooldown', async () => {
    await store.sync([entry(mail, { component: 'mail' })], everything);
    await exchanged();
    await move('backlog/generated', 'failed', mail, "failed_at: 2026-03-01T11:30:00Z\nerror: 'no access'");
    expect(await exchanged()).toMatchObject({ reported: [mail], ready: [] });
    expect(await exchanged()).toMatchObject({ reported: [], ready: [] });
    expect(await swarm.outcomes()).toMatchObject([
      { result: 'failed', class: 'step-failed', notes: `2026-03-01T11:30:00.000Z failed/${mail}.yaml\nno access` },
    ]);
    now = new Date('2026-03-02T12:30:00Z');
    expect(await exchanged()).toMatchObject({ reported: [], ready: [mail] });
    expect(await filesIn('backlog/generated')).toEqual([`backlog/generated/${mail}.yaml`]);
    expect(await readFile(join(folder.path, `backlog/generated/${mail}.yaml`), 'utf8')).toContain('no access');
  });

  it('lose a task that is resolved, or that another worker has taken', async () => {
    await store.sync([entry(mail, { component: 'mail' }), entry(search, { component: 'search' })], everything);
    await exchanged();
    await swarm.claim({ worker: 'another agent', tasks: [search] });
    await store.sync([entry(search, { component: 'search' })], everything);
    expect(await exchanged()).toMatchObject({ ready: [], notes: [] });
    expect(await filesIn('backlog/generated', 'backlog/people')).toEqual([]);
    expect(await readFile(join(folder.path, `completed/${mail}.yaml`), 'utf8')).toContain('withdrawn_at');
    // A withdrawn file is no outcome.
    expect(await exchanged()).toMatchObject({ reported: [] });
    expect(await swarm.outcomes()).toEqual([]);
  });

  it('give a task back that is put back, or whose file is gone', async () => {
    await store.sync([entry(mail, { component: 'mail' }), entry(search, { component: 'search' })], everything);
    await exchanged();
    for (const task of [mail, search]) await move('backlog/generated', 'active', task);
    await exchanged();
    await move('active', 'backlog/generated', mail);
    await rm(join(folder.path, `active/${search}.yaml`));
    const { released, ready } = await exchanged();
    expect([released, ready]).toEqual([expect.arrayContaining([mail, search]), expect.arrayContaining([mail, search])]);
    expect(await filesIn('backlog/generated')).toHaveLength(2);
  });

  it('show one task for each serial key, and keep the one that they show', async () => {
    const component = 'mail';
    await store.sync([entry(mail, { component }), entry(search, { component })], everything);
    expect(await exchanged()).toMatchObject({ ready: [mail] });
    await store.sync([entry(mail, { component }), entry(search, { component, impact: 9 })], everything);
    expect(await exchanged()).toMatchObject({ ready: [mail] });
    await move('backlog/generated', 'active', mail);
    expect(await exchanged()).toMatchObject({ held: [mail], ready: [] });
  });

  it('do not end a task by what was completed before its problem last occurred', async () => {
    await mkdir(join(folder.path, 'completed'), { recursive: true });
    folder.write(`completed/${mail}.yaml`, `id: ${mail}\ncompleted_at: 2026-02-01T00:00:00Z\n`);
    await store.sync([entry(mail, { lastOccurrence: '2026-02-20' })], everything);
    expect(await exchanged()).toMatchObject({ reported: [], ready: [mail] });
  });

  it('tell of an outcome that the queue cannot take over', async () => {
    await store.sync([entry(mail, { automation: 'human' })], everything);
    await exchanged();
    await move('backlog/people', 'completed', mail, 'completed_at: 2026-03-01T11:30:00Z');
    expect(await exchanged()).toMatchObject({
      reported: [],
      notes: [{ message: `The outcome cannot be taken over: ${mail} is waiting (person).` }],
    });
  });
});
