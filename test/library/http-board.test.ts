import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { httpBoard } from '../../examples/http-board.ts';
import { exchange } from '../../src/app/swarm.ts';
import { openSqliteSwarm } from '../../src/swarm/sqlite/store.ts';
import { createSwarm } from '../../src/swarm/swarm.ts';
import { entry, everything } from '../swarm/entries.ts';

type Remote = Record<string, unknown> & { readonly id: string };

/** The service that the example describes, with its tasks in memory. */
async function openService() {
  const tasks = new Map<string, Remote>();
  const server = createServer((request, response) => {
    const id = request.url?.slice('/tasks/'.length) ?? '';
    const known = tasks.get(id);
    async function answer(): Promise<void> {
      if (request.method === 'PUT') tasks.set(id, { status: 'open', ...((await json(request)) as object), id });
      if (request.method === 'DELETE' && known?.['status'] === 'running') response.statusCode = 409;
      else if (request.method === 'DELETE') tasks.delete(id);
      response.end(JSON.stringify([...tasks.values()]));
    }
    void answer();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { tasks, address: `http://127.0.0.1:${port}`, [Symbol.dispose]: () => void server.close() };
}

describe('examples/http-board.ts', () => {
  it('shows what may be taken, claims what was taken, and reads each outcome once', async () => {
    using service = await openService();
    const store = await openSqliteSwarm(':memory:', { project: '/srv/app' });
    const swarm = createSwarm(store);
    await store.sync([entry('mail'), entry('keys', { automation: 'human' })], everything);
    const board = httpBoard(service.address);
    expect(await exchange(swarm, board)).toMatchObject({ ready: ['mail'], people: ['keys'], notes: [] });
    expect([...service.tasks.values()]).toMatchObject([
      { id: 'mail', lane: 'agents', title: 'Resolve mail' },
      { id: 'keys', lane: 'people' },
    ]);
    service.tasks.set('mail', { id: 'mail', status: 'running' });
    expect(await exchange(swarm, board)).toMatchObject({ held: ['mail'] });
    expect(await swarm.claim({ worker: 'another' })).toBeUndefined();
    service.tasks.set('mail', {
      id: 'mail',
      status: 'failed',
      run: '7',
      endedAt: '2026-01-01T00:00:00Z',
      error: 'no access',
    });
    expect(await exchange(swarm, board)).toMatchObject({ reported: ['mail'] });
    expect(await exchange(swarm, board)).toMatchObject({ reported: [] });
    expect(await swarm.outcomes()).toMatchObject([{ task: 'mail', result: 'failed', notes: 'run 7\nno access' }]);
    expect(service.tasks.has('mail')).toBe(false);
    swarm.close();
  });

  it('does not believe a service that answers something else', async () => {
    using service = await openService();
    service.tasks.set('x', { id: '../../etc', status: 'done' });
    await expect(httpBoard(service.address).read()).rejects.toThrow('Invalid string');
  });
});
