import { describe, expect, it } from 'vitest';
import { createRoundQueue } from '../../src/service/round-queue.ts';
import type { RoundView } from '../../src/service/types.ts';
import { createTestClock } from './test-clock.ts';

/** A queue whose rounds end when the test says so. `began` has the instances of each round in the order of their beginning. */
function createQueue() {
  const clock = createTestClock('2026-01-01T00:00:00Z');
  const began: (readonly string[] | null)[] = [];
  const ends: (() => void)[] = [];
  const asked: Promise<RoundView>[] = [];
  const queue = createRoundQueue({
    clock,
    run: async (round) => {
      began.push(round.instances);
      await new Promise<void>((resolve) => ends.push(resolve));
      return { ...round, endedAt: clock.now().toISOString() };
    },
    onEnded: async () => undefined,
    onAll: () => asked.push(queue.all()),
    onSome: (round) => asked.push(round),
  });
  async function end(): Promise<void> {
    ends.shift()?.();
    await clock.pass(0);
  }
  return { queue, began, asked, end, pass: async (ms: number) => clock.pass(ms) };
}

describe('the queue of rounds', () => {
  it('runs what is due by schedule after a round of some instances, not in its place', async () => {
    const { queue, began, end, pass } = createQueue();
    queue.request(['orders']);
    await pass(0);
    const due = queue.all();
    expect(queue.running()?.instances).toEqual(['orders']);
    await end();
    expect(began).toEqual([['orders'], null]);
    await end();
    await expect(due).resolves.toMatchObject({ instances: null, endedAt: expect.any(String) });
    expect(queue.running()).toBeNull();
  });

  it('runs a round of some instances after the one that runs, for all who asked meanwhile', async () => {
    const { queue, began, asked, end, pass } = createQueue();
    void queue.all();
    await pass(0);
    const first = queue.request(['orders']);
    const second = queue.request(['billing', 'orders']);
    expect(second).toMatchObject({ id: first.id, instances: ['orders', 'billing'] });
    await end();
    await end();
    expect(began).toEqual([null, ['orders', 'billing']]);
    await expect(asked[0]).resolves.toMatchObject({ id: first.id });
  });

  it('joins a request to the round of all instances that waits', async () => {
    const { queue, began, end, pass } = createQueue();
    queue.request(['orders']);
    await pass(0);
    const due = queue.all();
    const some = queue.request(['billing']);
    const all = queue.request(undefined);
    expect(some).toMatchObject({ id: all.id, instances: null });
    await end();
    await end();
    await expect(due).resolves.toMatchObject({ id: all.id });
    expect(began).toEqual([['orders'], null]);
  });

  it('goes on after a round that failed', async () => {
    const clock = createTestClock('2026-01-01T00:00:00Z');
    let count = 0;
    const queue = createRoundQueue({
      clock,
      run: async (round) => {
        count += 1;
        if (count === 1) throw new Error('the engine is away');
        return round;
      },
      onEnded: async () => undefined,
      onAll: () => undefined,
      onSome: () => undefined,
    });
    await expect(queue.all()).rejects.toThrow('the engine is away');
    expect(queue.running()).toBeNull();
    await expect(queue.all()).resolves.toMatchObject({ instances: null });
  });
});
