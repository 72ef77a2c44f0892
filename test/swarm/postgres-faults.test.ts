import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openPostgresSwarm } from '../../src/swarm/postgres/store.ts';
import type { SwarmStore } from '../../src/swarm/store.ts';
import type { Granted } from '../../src/swarm/types.ts';
import { entry, everything, project } from './entries.ts';
import { killAtEveryStatement } from './killed.ts';
import { emptyTables, hasPostgres, type PostgresServer, startPostgres } from './postgres-server.ts';
import { type Proxy, startProxy } from './proxy.ts';

describe.runIf(hasPostgres)('on PostgreSQL', () => {
  let server: PostgresServer;
  let proxy: Proxy;
  /** Reaches the server; `far` does through the proxy. */
  let near: SwarmStore;
  let far: SwarmStore;

  beforeAll(async () => {
    server = await startPostgres();
    proxy = await startProxy(server.port);
    near = await openPostgresSwarm(server.socketUrl, { project });
    far = await openPostgresSwarm(server.url.replace(`:${server.port}/`, `:${proxy.port}/`), { project });
  });
  beforeEach(() => emptyTables(server));
  afterEach(() => {
    proxy.delay(0);
    proxy.heal();
    vi.useRealTimers();
  });
  afterAll(async () => {
    near.close();
    far.close();
    proxy[Symbol.dispose]();
    await server[Symbol.asyncDispose]();
  });

  /** Waits for a claim: the lease of the one before must end. */
  async function claimed(queue: SwarmStore, name: string, lease = 60): Promise<Granted> {
    for (;;) {
      const claim = await queue.claim({ worker: name, lease }).catch(() => undefined);
      if (claim !== undefined) return claim;
      await sleep(50);
    }
  }

  it('workers that are killed at any statement leave no task undone, and none with two outcomes', async () => {
    await near.sync([entry('a')], everything);
    const sent = vi.spyOn(pg.Client.prototype, 'query');
    const claim = await near.claim({ worker: 'counts' });
    await near.heartbeat(claim!, 60, 'working');
    await near.settle(claim!, { result: 'done' });
    const statements = sent.mock.calls.length;
    sent.mockRestore();
    // Asks, registers, claims, renews and reports.
    expect(statements).toBeGreaterThanOrEqual(5);
    await emptyTables(server);
    await killAtEveryStatement(near, server.socketUrl, statements);
  });

  it('a report whose answer is lost counts once when it is repeated', async () => {
    await near.sync([entry('a')], everything);
    const claim = await claimed(far, 'far');
    const report = { result: 'done', notes: 'the answer is lost' } as const;
    proxy.fail({ at: report.notes, type: 'cut' });
    await expect(far.settle(claim, report)).rejects.toMatchObject({ code: 'store-unreachable' });
    expect(await far.settle(claim, report)).toEqual({ accepted: true, state: 'done' });
    expect(await near.outcomes()).toMatchObject([{ task: 'a', token: claim.token }]);
  });

  it('so does the report of a failure', async () => {
    await near.sync([entry('a')], everything);
    const claim = await claimed(far, 'far');
    const report = { result: 'failed', class: 'unsafe' } as const;
    proxy.fail({ at: 'COMMIT', type: 'cut' });
    await expect(far.settle(claim, report)).rejects.toMatchObject({ code: 'store-unreachable' });
    expect(await far.settle(claim, report)).toEqual({ accepted: true, state: 'person' });
    expect(await near.outcomes()).toMatchObject([{ task: 'a', token: claim.token }]);
  });

  /** Its next claim is one statement. */
  async function registered(queue: SwarmStore, name: string): Promise<void> {
    await queue.claim({ worker: name, tasks: ['none'] });
    await server.admin(`UPDATE problem_registry.worker SET seen_at = now() + interval '1 hour'`);
  }

  it('a task whose claim was lost on the way goes to the next worker when its lease ends', async () => {
    await near.sync([entry('a')], everything);
    await registered(far, 'cut off');
    proxy.fail({ at: 'cut off', type: 'cut' });
    await expect(far.claim({ worker: 'cut off', lease: 1 })).rejects.toMatchObject({ code: 'store-unreachable' });
    // The connection ends at once here, and the server carries the claim out a little later.
    await vi.waitFor(async () => expect((await near.stats()).tasks).toMatchObject({ claimed: 1 }), 10_000);
    const claim = await claimed(near, 'near');
    expect((await near.events()).map(({ type }) => type)).toEqual(['added', 'claimed', 'lapsed', 'claimed']);
    expect(await near.settle(claim, { result: 'done' })).toMatchObject({ accepted: true });
  });

  it('a report that a half-open connection held back is refused when another worker has the task', async () => {
    await near.sync([entry('a')], everything);
    const slow = await claimed(far, 'far', 1);
    proxy.fail({ at: 'BEGIN', type: 'hold' });
    const late = far.settle(slow, { result: 'failed', class: 'unsafe' });
    const fast = await claimed(near, 'near');
    expect(await near.settle(fast, { result: 'done' })).toMatchObject({ accepted: true });
    proxy.heal();
    expect(await late).toEqual({ accepted: false, why: 'stale' });
    expect(await near.outcomes()).toMatchObject([{ worker: 'near', result: 'done' }]);
  });

  it('a claim that does not arrive holds up no task', async () => {
    await near.sync([entry('a', { impact: 9 }), entry('b')], everything);
    proxy.fail({ at: 'held up', type: 'hold' });
    const held = far.claim({ worker: 'held up' });
    expect((await claimed(near, 'near')).task).toBe('a');
    proxy.heal();
    expect((await held)?.task).toBe('b');
  });

  it('three workers on a network that delays and cuts do every task once', async () => {
    const tasks = Array.from({ length: 30 }, (_, index) => entry(`t${index}`, { component: `c${index % 7}` }));
    await near.sync(tasks, everything);
    proxy.delay(5);
    let open = true;
    const cutting = (async () => {
      while (open) {
        await sleep(300);
        proxy.cut();
      }
    })();
    const accepted: string[] = [];
    await Promise.all(
      ['w1', 'w2', 'w3'].map(async (name, index) => {
        const queue = index === 0 ? near : far;
        for (;;) {
          const claim = await queue.claim({ worker: name, lease: 1 }).catch(() => undefined);
          if (claim !== undefined) {
            const settled = await queue.settle(claim, { result: 'done' }).catch(() => undefined);
            if (settled?.accepted === true) accepted.push(claim.task);
            continue;
          }
          const { tasks: states } = await near.stats();
          if (states.open + states.claimed === 0) return;
          await sleep(50);
        }
      }),
    );
    open = false;
    await cutting;
    const outcomes = await near.outcomes();
    expect(outcomes.map(({ task }) => task).toSorted()).toEqual(tasks.map(({ task }) => task.id).toSorted());
    for (const task of accepted) expect(outcomes.filter((one) => one.task === task)).toHaveLength(1);
    expect(new Set(accepted).size).toBe(accepted.length);
  });

  it('a worker whose clock is a day wrong neither takes a task that is held nor loses its own', async () => {
    await near.sync([entry('a')], everything);
    const claim = await claimed(near, 'right');
    for (const days of [1, -1]) {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + days * 86_400_000 });
      expect(await far.claim({ worker: 'wrong' })).toBeUndefined();
      vi.useRealTimers();
    }
    const held = await near.heartbeat(claim, 60);
    await near.release(claim, 0);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 86_400_000 });
    const wrong = await claimed(far, 'wrong');
    vi.useRealTimers();
    expect(await near.claim({ worker: 'right' })).toBeUndefined();
    expect(held).toMatchObject({ held: true });
    expect(await far.settle(wrong, { result: 'done' })).toMatchObject({ accepted: true });
    const [outcome] = await near.outcomes();
    expect(Math.abs(Date.parse(outcome?.endedAt ?? '') - Date.now())).toBeLessThan(60_000);
  });

  it('a server that dies and comes back loses no claim and no outcome', async () => {
    await near.sync([entry('a', { impact: 9 }), entry('b')], everything);
    await near.settle(await claimed(near, 'w'), { result: 'done' });
    const claim = await claimed(near, 'w');
    await server.restart();
    const settled = await vi.waitFor(() => near.settle(claim, { result: 'done' }), { timeout: 10_000 });
    expect(settled).toEqual({ accepted: true, state: 'done' });
    expect((await near.outcomes()).map(({ task }) => task)).toEqual(['a', 'b']);
  });
});
