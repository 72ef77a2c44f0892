import { describe, expect, it } from 'vitest';
import { ProblemsError } from '../../src/errors.ts';
import { openSqliteSwarm } from '../../src/swarm/sqlite/store.ts';
import { createSwarm, type Swarm } from '../../src/swarm/swarm.ts';
import { work } from '../../src/swarm/work.ts';
import { entry, everything } from './entries.ts';

async function queueOf(...ids: readonly string[]): Promise<Swarm> {
  const store = await openSqliteSwarm(':memory:', { project: '/srv/app' });
  await store.sync(
    ids.map((id) => entry(id)),
    everything,
  );
  return createSwarm(store);
}

describe('a worker', () => {
  it('takes and reports every task, as many at a time as it is told', async () => {
    const swarm = await queueOf('a', 'b', 'c', 'd', 'e');
    let now = 0;
    let most = 0;
    const worked = await work(swarm, {
      worker: 'w',
      concurrency: 2,
      once: true,
      async run() {
        most = Math.max(most, (now += 1));
        await new Promise((resolve) => setTimeout(resolve, 5));
        now -= 1;
        return { result: 'done' };
      },
    });
    expect({ ...worked, most }).toEqual({ done: 5, failed: 0, released: 0, refused: 0, most: 2 });
    expect((await swarm.outcomes()).map(({ task }) => task).toSorted()).toEqual(['a', 'b', 'c', 'd', 'e']);
    swarm.close();
  });

  it('reports an error as a failure, and goes on', async () => {
    const swarm = await queueOf('a', 'b', 'c');
    const worked = await work(swarm, {
      worker: 'w',
      once: true,
      async run({ task }) {
        if (task.id === 'a') throw new Error('The tool was not found.');
        if (task.id === 'b') throw new ProblemsError('interrupted', 'stopped by a signal');
        return { result: 'failed', class: 'unsafe', notes: 'It needs a decision.' };
      },
    });
    expect(worked).toEqual({ done: 0, failed: 3, released: 0, refused: 0 });
    expect(await swarm.outcomes()).toMatchObject([
      { task: 'a', class: 'step-failed', notes: 'The tool was not found.' },
      { task: 'b', class: 'interrupted' },
      { task: 'c', class: 'unsafe' },
    ]);
    swarm.close();
  });

  it('finishes what it has begun when it is stopped, and takes nothing more', async () => {
    const swarm = await queueOf('a', 'b');
    const stop = new AbortController();
    const worked = await work(swarm, {
      worker: 'w',
      signal: stop.signal,
      async run() {
        stop.abort();
        return { result: 'done' };
      },
    });
    expect(worked).toEqual({ done: 1, failed: 0, released: 0, refused: 0 });
    expect((await swarm.stats()).tasks).toMatchObject({ done: 1, open: 1, claimed: 0 });
    swarm.close();
  });

  it('waits for more, and ends at once when it is stopped while it waits', async () => {
    const swarm = await queueOf('a');
    const stop = new AbortController();
    const worked = await work(swarm, {
      worker: 'w',
      signal: stop.signal,
      pause: 3_600,
      async run() {
        setTimeout(() => stop.abort(), 20);
        return { result: 'done' };
      },
    });
    expect(worked.done).toBe(1);
    swarm.close();
  });

  it('counts a report that is refused, since the claim has ended', async () => {
    const swarm = await queueOf('a');
    const worked = await work(swarm, {
      worker: 'w',
      once: true,
      async run(claim) {
        await swarm.cancel('a', 'not now');
        await claim.release();
        return { result: 'done' };
      },
    });
    expect(worked).toEqual({ done: 0, failed: 0, released: 0, refused: 1 });
    swarm.close();
  });

  it('gives back what its function releases, and what it took while it was stopped', async () => {
    const swarm = await queueOf('a', 'b');
    const stop = new AbortController();
    const claim = async (request: Parameters<Swarm['claim']>[0]) => {
      const taken = await swarm.claim(request);
      if (taken?.task.id === 'b') stop.abort();
      return taken;
    };
    const worked = await work(
      { claim },
      {
        worker: 'w',
        signal: stop.signal,
        run: async () => ({ result: 'released', retryAt: new Date(Date.now() + 60_000), notes: 'later' }),
      },
    );
    expect(worked).toEqual({ done: 0, failed: 0, released: 1, refused: 0 });
    expect(await swarm.tasks()).toMatchObject([
      { id: 'a', status: { state: 'open', waiting: { for: 'time' } } },
      { id: 'b', status: { state: 'open', waiting: null } },
    ]);
    expect(await swarm.outcomes()).toEqual([]);
    swarm.close();
  });

  it('refuses a concurrency that makes no sense', async () => {
    const swarm = await queueOf();
    const options = { worker: 'w', run: async () => ({ result: 'done' }) as const };
    for (const concurrency of [0, 1.5, 1_000])
      await expect(work(swarm, { ...options, concurrency })).rejects.toMatchObject({ code: 'bad-usage' });
    swarm.close();
  });
});
