import { describe, expect, it } from 'vitest';
import type { SwarmStore } from '../../src/swarm/store.ts';
import type { Granted } from '../../src/swarm/types.ts';
import { entry, everything } from './entries.ts';
import { modelTests } from './model.ts';

/** One store for a test. */
export interface Harness extends AsyncDisposable {
  /** The queue of a project, in the same store as those of other projects. */
  queue(project?: string): Promise<SwarmStore>;
  /** Lets time pass, by the clock of the store. */
  advance(ms: number): Promise<void>;
}

const hour = 3_600_000;

/**
 * What every store of the queue must do.
 * @param runs How many random runs of operations; ten times as many in soak.
 */
export function swarmContract(name: string, open: () => Promise<Harness>, runs = 60): void {
  describe(`${name}: handing out`, () => {
    it('gives each task to one worker, highest priority first, then by the order of ties', async () => {
      await using harness = await open();
      const queue = await harness.queue();
      await queue.sync(
        [
          entry('b'),
          entry('a'),
          entry('later', { lastOccurrence: '2026-03-02' }),
          entry('sooner', { lastOccurrence: '2026-03-01' }),
          entry('severe', { severity: 'low' }),
          entry('first', { impact: 9 }),
          entry('last', { impact: 1 }),
        ],
        everything,
      );
      const order = [];
      for (let claim = await queue.claim({ worker: 'w' }); claim; claim = await queue.claim({ worker: 'w' }))
        order.push(claim.task);
      expect(order).toEqual(['first', 'severe', 'later', 'sooner', 'a', 'b', 'last']);
    });

    it('hands the task itself out, and tokens that only grow', async () => {
      await using harness = await open();
      const queue = await harness.queue();
      const one = entry('one', { title: 'Résumé "of" <it>\n' });
      await queue.sync([one, entry('two', { impact: 1 })], everything);
      const first = await claimed(queue);
      expect(first.entry).toMatchObject({ id: 'one', task: one.task, status: { state: 'claimed', worker: 'w' } });
      await queue.release(first, 0);
      const again = await claimed(queue);
      expect(again.task).toBe('one');
      expect(again.token).toBeGreaterThan(first.token);
    });

    it('keeps what a worker asks for until the task is taken again', async () => {
      await using harness = await open();
      const queue = await harness.queue();
      await queue.sync([entry('one')], everything);
      await queue.heartbeat(await claimed(queue), 60, 'step 1 of 2');
      const [first] = await queue.list();
      expect(first).toMatchObject({ asks: null, status: { progress: 'step 1 of 2' } });
      const held = first?.status.state === 'claimed' ? { task: 'one', token: first.status.token } : undefined;
      await queue.release(held ?? { task: '', token: 0 }, 0, 'problems approve r-1');
      expect(await queue.list()).toMatchObject([
        { asks: 'problems approve r-1', status: { state: 'open', waiting: null } },
      ]);
      const again = await claimed(queue);
      expect(await queue.list()).toMatchObject([{ asks: null, status: { progress: null } }]);
      await queue.heartbeat(again, 60, 'step 2 of 2');
      await queue.settle(again, { result: 'failed' });
      expect(await queue.list()).toMatchObject([{ asks: null }]);
    });

    it('gives a worker that chooses by itself only what it has chosen, under the same conditions', async () => {
      await using harness = await open();
      const queue = await harness.queue();
      await queue.sync(
        [entry('a', { impact: 9 }), entry('b'), entry('c', { impact: 1 }), entry('d', { dependencies: ['c'] })],
        everything,
      );
      expect(await queue.claim({ worker: 'w', tasks: ['d', 'nothing'] })).toBeUndefined();
      expect((await claimed(queue, { tasks: ['c', 'b'] })).task).toBe('b');
      expect((await claimed(queue)).task).toBe('a');
    });

    it('never hands out what is left to people, however it is asked for', async () => {
      await using harness = await open();
      const queue = await harness.queue();
      await queue.sync(
        [
          entry('human', { automation: 'human', handler: 'agent' }),
          entry('person', { automation: 'auto', handler: 'person' }),
          entry('memory', { automation: 'human', handler: 'memory' }),
        ],
        everything,
      );
      const handlers = ['agent', 'person', 'human', 'memory'];
      expect(await queue.claim({ worker: 'w', handlers })).toBeUndefined();
      expect(await queue.approve('human', 'me')).toMatchObject({ changed: false });
      expect(await queue.approve('person', 'me')).toMatchObject({ changed: false });
      expect(await queue.redrive('memory')).toMatchObject({ changed: true });
      expect(await queue.claim({ worker: 'w', handlers })).toBeUndefined();
      expect((await queue.stats()).waiting).toMatchObject({ person: 3 });
    });

    it('hands out what needs approval once it has it, and not after the task has changed', async () => {
      await using harness = await open();
      const queue = await harness.queue();
      await queue.sync([entry('a', { automation: 'approve' })], everything);
      expect(await queue.claim({ worker: 'w' })).toBeUndefined();
      expect(await queue.list()).toMatchObject([{ status: { state: 'open', waiting: { for: 'approval' } } }]);
      expect(await queue.approve('a', 'Ada')).toMatchObject({ changed: true, task: { approvedBy: 'Ada' } });
      await queue.sync([entry('a', { automation: 'approve', impact: 9 })], everything);
      expect(await queue.list()).toMatchObject([{ approvedBy: 'Ada', status: { waiting: null } }]);
      await queue.sync([entry('a', { automation: 'approve', title: 'Remove everything' })], everything);
      expect(await queue.list()).toMatchObject([{ approvedBy: null }]);
      expect(await queue.claim({ worker: 'w' })).toBeUndefined();
      expect((await queue.events()).map(({ type }) => type)).toEqual([
        'added',
        'approved',
        'changed',
        'approval-revoked',
      ]);
    });

    it('hands out only tasks of the handlers, kinds and engines that a worker names', async () => {
      await using harness = await open();
      const queue = await harness.queue();
      await queue.sync(
        [
          entry('memory', { handler: 'memory', engine: 'E1', impact: 9 }),
          entry('watch', { kind: 'monitoring', impact: 8 }),
          entry('fix', { impact: 7 }),
        ],
        everything,
      );
      expect((await claimed(queue, { kinds: ['resolution'] })).task).toBe('fix');
      expect((await claimed(queue)).task).toBe('watch');
      expect(await queue.claim({ worker: 'w' })).toBeUndefined();
      expect(await queue.claim({ worker: 'w', handlers: ['memory'], engines: ['E2'] })).toBeUndefined();
      expect((await claimed(queue, { handlers: ['memory'], engines: ['E2', 'E1'] })).task).toBe('memory');
    });

    it('hands out one task of a serial key at a time, over all projects', async () => {
      await using harness = await open();
      const [one, two] = [await harness.queue('one'), await harness.queue('two')];
      const repair = { handlers: ['memory'], engines: ['E'] };
      await one.sync([entry('a', { handler: 'memory', engine: 'E' }), entry('b', { component: 'api' })], everything);
      await two.sync([entry('a', { handler: 'memory', engine: 'E' }), entry('b', { component: 'api' })], everything);
      const first = await claimed(one, repair);
      expect(await two.claim({ worker: 'w', ...repair })).toBeUndefined();
      expect(await two.list({ ids: ['a'] })).toMatchObject([{ status: { waiting: { for: 'key' } } }]);
      // A component belongs to its project.
      expect([(await claimed(one)).task, (await claimed(two)).task]).toEqual(['b', 'b']);
      await one.settle(first, { result: 'done' });
      expect((await claimed(two, repair)).task).toBe('a');
    });

    it('frees the key of another project whose worker has died', async () => {
      await using harness = await open();
      const [one, two] = [await harness.queue('one'), await harness.queue('two')];
      const repair = { handlers: ['memory'], engines: ['E'], lease: 60 };
      for (const queue of [one, two]) await queue.sync([entry('a', { handler: 'memory', engine: 'E' })], everything);
      await claimed(one, repair);
      await harness.advance(60_000);
      expect((await claimed(two, repair)).task).toBe('a');
      expect(await one.events({ after: 0 })).toContainEqual(expect.objectContaining({ type: 'lapsed', task: 'a' }));
    });

    it('waits until each task before it has ended well or been withdrawn', async () => {
      await using harness = await open();
      const queue = await harness.queue();
      const all = [
        entry('last', { impact: 9, dependencies: ['cause', 'other'] }),
        entry('cause', { impact: 2 }),
        entry('other', { impact: 1 }),
      ];
      await queue.sync(all, everything);
      const cause = await claimed(queue);
      expect(cause.task).toBe('cause');
      await queue.settle(cause, { result: 'failed', class: 'unsafe' });
      expect(await queue.list({ ids: ['last'] })).toMatchObject([
        { status: { waiting: { for: 'tasks', tasks: ['cause', 'other'] } } },
      ]);
      await queue.cancel('other', 'not now');
      await queue.redrive('cause');
      await queue.settle(await claimed(queue), { result: 'failed', class: 'data-risk' });
      expect(await queue.list({ ids: ['last'] })).toMatchObject([
        { status: { waiting: { tasks: ['cause', 'other'] } } },
      ]);
      await queue.sync(all.slice(0, 2), { problems: new Set(['app/other']), targets: new Set() });
      expect(await queue.claim({ worker: 'w' })).toBeUndefined();
      await queue.redrive('cause');
      await queue.settle(await claimed(queue), { result: 'done' });
      expect((await claimed(queue)).task).toBe('last');
    });
  });

  describe(`${name}: leases`, () => {
    it('give a task of a dead worker to the next one, and refuse what the first one reports then', async () => {
      await using harness = await open();
      const queue = await harness.queue();
      await queue.sync([entry('a')], everything);
      const slow = await claimed(queue, { worker: 'slow' });
      await harness.advance(59_999);
      expect(await queue.claim({ worker: 'fast' })).toBeUndefined();
      await harness.advance(1);
      const fast = await claimed(queue, { worker: 'fast' });
      expect(fast.token).toBeGreaterThan(slow.token);
      expect(await queue.heartbeat(slow, 60)).toEqual({ held: false, why: 'stale' });
      expect(await queue.settle(slow, { result: 'done' })).toEqual({ accepted: false, why: 'stale' });
      expect(await queue.release(slow, 0)).toEqual({ accepted: false, why: 'stale' });
      expect(await queue.settle(fast, { result: 'done' })).toEqual({ accepted: true, state: 'done' });
      expect(await queue.settle(slow, { result: 'failed' })).toEqual({ accepted: false, why: 'stale' });
      expect(await queue.outcomes()).toMatchObject([{ task: 'a', worker: 'fast', token: fast.token, result: 'done' }]);
    });

    it('are extended by a heartbeat, which shows progress', async () => {
      await using harness = await open();
      const queue = await harness.queue();
      await queue.sync([entry('a')], everything);
      const claim = await claimed(queue);
      await harness.advance(50_000);
      expect(await queue.heartbeat(claim, 60, 'half done')).toMatchObject({ held: true, stopping: null });
      await harness.advance(50_000);
      await queue.heartbeat(claim, 60);
      expect(await queue.claim({ worker: 'other' })).toBeUndefined();
      expect(await queue.list()).toMatchObject([{ status: { state: 'claimed', progress: 'half done' } }]);
    });

    it('end in the dead letters for a task that ends its workers one after the other', async () => {
      await using harness = await open();
      const queue = await harness.queue();
      await queue.sync([entry('poison')], everything);
      for (let attempt = 0; attempt < 20; attempt++) {
        await claimed(queue);
        await harness.advance(60_000);
      }
      expect(await queue.claim({ worker: 'w' })).toBeUndefined();
      expect(await queue.list()).toMatchObject([
        { status: { state: 'dead' }, failures: { counted: 0, uncounted: 20 } },
      ]);
    });
  });

  describe(`${name}: reports`, () => {
    it('are accepted once: the same report again changes nothing', async () => {
      await using harness = await open();
      const queue = await harness.queue();
      await queue.sync([entry('a')], everything);
      const claim = await claimed(queue);
      const report = { result: 'failed', class: 'unverified', notes: 'It still fails.', cost: 0.25 } as const;
      expect(await queue.settle(claim, report)).toEqual({ accepted: true, state: 'open' });
      expect(await queue.settle(claim, report)).toEqual({ accepted: true, state: 'open' });
      expect(await queue.outcomes()).toMatchObject([{ ...report, task: 'a', problem: 'app/a', handler: 'agent' }]);
      expect(await queue.list()).toMatchObject([{ failures: { counted: 1, uncounted: 0 } }]);
    });

    it('of a failure that counts make the task wait for the published cooldown, then for a person', async () => {
      await using harness = await open();
      const queue = await harness.queue();
      await queue.sync([entry('a')], everything);
      for (const hours of [24, 48, 96, 168]) {
        await queue.settle(await claimed(queue), { result: 'failed' });
        await harness.advance(hours * hour - 1);
        expect(await queue.claim({ worker: 'w' }), `${hours} hours`).toBeUndefined();
        await harness.advance(1);
      }
      expect(await queue.settle(await claimed(queue), { result: 'failed' })).toEqual({ accepted: true, state: 'dead' });
      await harness.advance(1_000 * hour);
      expect(await queue.claim({ worker: 'w' })).toBeUndefined();
      expect(await queue.redrive('a')).toMatchObject({ changed: true, task: { failures: { counted: 0 } } });
      await queue.settle(await claimed(queue), { result: 'done' });
      expect(await queue.outcomes()).toHaveLength(6);
    });

    it.each(['conflict', 'transient', 'interrupted', 'precondition'] as const)(
      'of the class %s bring the task back soon, and do not count',
      async (failure) => {
        await using harness = await open();
        const queue = await harness.queue();
        await queue.sync([entry('a')], everything);
        await queue.settle(await claimed(queue), { result: 'failed', class: failure });
        expect(await queue.list()).toMatchObject([{ failures: { counted: 0, uncounted: 1 } }]);
        await harness.advance(15_000);
        await claimed(queue);
      },
    );

    it.each(['unsafe', 'data-risk', 'rollback-failed'] as const)(
      'of the class %s leave the task to a person',
      async (failure) => {
        await using harness = await open();
        const queue = await harness.queue();
        await queue.sync([entry('a')], everything);
        const settled = await queue.settle(await claimed(queue), { result: 'failed', class: failure });
        expect(settled).toEqual({ accepted: true, state: 'person' });
        await harness.advance(1_000 * hour);
        expect(await queue.claim({ worker: 'w' })).toBeUndefined();
      },
    );

    it('outlive their task, and are listed from any of them on', async () => {
      await using harness = await open();
      const queue = await harness.queue();
      await queue.sync([entry('a'), entry('b', { impact: 1 })], everything);
      await queue.settle(await claimed(queue), { result: 'done', notes: 'x'.repeat(20_000) });
      await queue.settle(await claimed(queue), { result: 'done' });
      await queue.sync([], everything);
      const [first, second] = await queue.outcomes();
      expect(first?.notes).toHaveLength(8_000);
      expect(await queue.outcomes({ after: first?.seq ?? 0 })).toEqual([second]);
      expect(await queue.outcomes({ task: 'a' })).toEqual([first]);
      expect(await queue.outcomes({ limit: 1 })).toEqual([first]);
    });

    it('are refused if their numbers make no sense', async () => {
      await using harness = await open();
      const queue = await harness.queue();
      await queue.sync([entry('a')], everything);
      const claim = await claimed(queue);
      for (const cost of [Number.NaN, -1, Infinity])
        await expect(queue.settle(claim, { result: 'done', cost })).rejects.toMatchObject({ code: 'bad-usage' });
      await expect(queue.heartbeat(claim, 0)).rejects.toMatchObject({ code: 'bad-usage' });
      await expect(queue.release(claim, -1)).rejects.toMatchObject({ code: 'bad-usage' });
      expect(await queue.settle(claim, { result: 'done' })).toMatchObject({ accepted: true });
    });
  });

  describe(`${name}: sync`, () => {
    it('changes nothing the second time', async () => {
      await using harness = await open();
      const queue = await harness.queue();
      const all = [entry('a'), entry('b', { dependencies: ['a'] })];
      expect(await queue.sync(all, everything)).toMatchObject({ added: ['a', 'b'], unchanged: 0 });
      const before = [await queue.list(), await queue.events()];
      expect(await queue.sync(all.toReversed(), everything)).toEqual({
        added: [],
        changed: [],
        rescored: [],
        returned: [],
        withdrawn: [],
        unchanged: 2,
      });
      expect([await queue.list(), await queue.events()]).toEqual(before);
    });

    it('rescores, changes and adds', async () => {
      await using harness = await open();
      const queue = await harness.queue();
      await queue.sync([entry('a'), entry('b')], everything);
      const result = await queue.sync(
        [entry('a', { impact: 1 }), entry('b', { title: 'Other' }), entry('c')],
        everything,
      );
      expect(result).toMatchObject({ added: ['c'], changed: ['b'], rescored: ['a'] });
      expect((await queue.list()).map(({ id }) => id)).toEqual(['b', 'c', 'a']);
    });

    it('withdraws what is resolved, and only what was read', async () => {
      await using harness = await open();
      const queue = await harness.queue();
      const elsewhere = entry('elsewhere', { target: 'other/PROBLEMS.md' });
      await queue.sync([entry('a'), entry('b'), elsewhere], everything);
      expect(await queue.sync([entry('b')], everything)).toMatchObject({ withdrawn: ['a'] });
      expect(await queue.list({ states: ['withdrawn'] })).toMatchObject([{ id: 'a' }]);
      expect(await queue.sync([], { problems: new Set(), targets: new Set() })).toMatchObject({ withdrawn: [] });
      expect(await queue.sync([entry('a'), entry('b')], everything)).toMatchObject({ returned: ['a'], withdrawn: [] });
    });

    it('leaves a task with its worker, and withdraws it when the worker has let go', async () => {
      await using harness = await open();
      const queue = await harness.queue();
      await queue.sync([entry('a')], everything);
      const claim = await claimed(queue);
      expect(await queue.sync([], everything)).toMatchObject({ withdrawn: [] });
      expect(await queue.heartbeat(claim, 60)).toMatchObject({ held: true });
      await queue.release(claim, 0);
      expect(await queue.sync([], everything)).toMatchObject({ withdrawn: ['a'] });
    });

    it('brings back a task that was done only if its problem has occurred since, and asks for approval again', async () => {
      await using harness = await open();
      const queue = await harness.queue();
      const seen = (lastOccurrence: string) => entry('a', { automation: 'approve', lastOccurrence });
      await queue.sync([seen('2026-01-01')], everything);
      await queue.approve('a', 'me');
      await queue.settle(await claimed(queue), { result: 'done' });
      expect(await queue.sync([seen('2026-01-02')], everything)).toMatchObject({ returned: [] });
      expect(await queue.sync([seen('2099-01-01')], everything)).toMatchObject({ returned: ['a'] });
      expect(await queue.list()).toMatchObject([{ status: { state: 'open', waiting: { for: 'approval' } } }]);
    });

    it('keeps projects apart', async () => {
      await using harness = await open();
      const [one, two] = [await harness.queue('one'), await harness.queue('two')];
      await one.sync([entry('a')], everything);
      await two.sync([entry('b')], everything);
      await one.pause('all', 'maintenance');
      expect((await claimed(two)).task).toBe('b');
      expect(await one.list()).toMatchObject([{ id: 'a', status: { state: 'open' } }]);
      expect(await two.outcomes()).toEqual([]);
      expect((await one.events()).map(({ type }) => type)).toEqual(['added', 'paused']);
    });

    it('lets one host at a time hold an engine, whichever project asks', async () => {
      await using harness = await open();
      const [one, two] = [await harness.queue('one'), await harness.queue('two')];
      expect(await one.holdEngine('E1', 'host a', 60)).toMatchObject({ held: true });
      expect(await two.holdEngine('E1', 'host a', 60)).toMatchObject({ held: true });
      expect(await two.holdEngine('E1', 'host b', 60)).toMatchObject({ held: false, by: 'host a' });
      expect(await two.holdEngine('E2', 'host b', 60)).toMatchObject({ held: true });
      await harness.advance(50_000);
      const extended = await one.holdEngine('E1', 'host a', 60);
      await harness.advance(50_000);
      expect(await two.holdEngine('E1', 'host b', 60)).toEqual({ ...extended, held: false, by: 'host a' });
      await harness.advance(10_000);
      expect(await two.holdEngine('E1', 'host b', 60)).toMatchObject({ held: true });
      expect(await one.holdEngine('E1', 'host a', 60)).toMatchObject({ held: false, by: 'host b' });
      await expect(one.holdEngine('', 'host a', 60)).rejects.toMatchObject({ code: 'bad-usage' });
      await expect(one.holdEngine('E1', 'host a', 0)).rejects.toMatchObject({ code: 'bad-usage' });
    });

    it('refuses tasks that are too large or have no proper id', async () => {
      await using harness = await open();
      const queue = await harness.queue();
      const huge = entry('a', { title: 'x'.repeat(70_000) });
      for (const wrong of [huge, entry('../a'), entry('a'.repeat(101))])
        await expect(queue.sync([entry('b'), wrong], everything)).rejects.toMatchObject({ code: 'bad-usage' });
      expect(await queue.list()).toEqual([]);
    });
  });

  describe(`${name}: operators`, () => {
    it('pause and resume scopes; what is claimed goes on', async () => {
      await using harness = await open();
      const queue = await harness.queue();
      await queue.sync(
        [entry('a', { impact: 9 }), entry('b', { component: 'api' }), entry('c', { kind: 'monitoring' })],
        everything,
      );
      const a = await claimed(queue);
      await queue.pause('component:api', 'release of 3.0');
      await queue.pause('kind:monitoring', 'noise');
      expect(await queue.claim({ worker: 'w' })).toBeUndefined();
      expect(await queue.list({ ids: ['b'] })).toMatchObject([
        { status: { waiting: { for: 'gate', scope: 'component:api', why: 'release of 3.0' } } },
      ]);
      expect(await queue.heartbeat(a, 60)).toMatchObject({ held: true });
      expect(await queue.settle(a, { result: 'done' })).toMatchObject({ accepted: true });
      expect([await queue.resume('component:api'), await queue.resume('component:api')]).toEqual([true, false]);
      expect((await claimed(queue)).task).toBe('b');
      expect(await queue.gates()).toMatchObject([{ scope: 'kind:monitoring', why: 'noise' }]);
      await expect(queue.pause('everything', '')).rejects.toMatchObject({ code: 'bad-usage' });
    });

    it('limit how many tasks of a scope are handed out within an hour, whoever asks', async () => {
      await using harness = await open();
      const [queue, other] = [await harness.queue(), await harness.queue('other')];
      const agents = ['a', 'b', 'c', 'd'].map((id) => entry(id));
      await queue.sync([...agents, entry('repair', { handler: 'memory', engine: 'E', impact: 1 })], everything);
      await other.sync([entry('a')], everything);
      await claimed(queue);
      await harness.advance(600_000);
      expect(await queue.limit('handler:agent', 3)).toBe(true);
      await claimed(queue, { lease: 86_400 });
      const given = await claimed(queue, { lease: 86_400 });
      expect(await queue.claim({ worker: 'other' })).toBeUndefined();
      expect(await queue.list({ ids: ['d'] })).toMatchObject([
        { status: { waiting: { for: 'limit', scope: 'handler:agent', until: '2026-03-01T01:00:00.000Z' } } },
      ]);
      expect(await queue.stats()).toMatchObject({
        limits: [{ scope: 'handler:agent', perHour: 3 }],
        waiting: { limit: 2 },
      });
      // Other scopes and projects go on, and what is given back does not count.
      expect((await claimed(queue, { handlers: ['memory'], engines: ['E'] })).task).toBe('repair');
      expect((await claimed(other)).task).toBe('a');
      await queue.release(given, 0);
      await claimed(queue, { lease: 86_400 });
      expect(await queue.claim({ worker: 'w' })).toBeUndefined();
      await harness.advance(3_000_000 - 1);
      expect(await queue.claim({ worker: 'w' })).toBeUndefined();
      await harness.advance(1);
      await claimed(queue, { lease: 86_400 });
      expect(await queue.claim({ worker: 'w' })).toBeUndefined();
      expect([await queue.limit('handler:agent', null), await queue.limit('handler:agent', null)]).toEqual([
        true,
        false,
      ]);
      await claimed(queue);
      for (const wrong of [0, 1.5, 100_001])
        await expect(queue.limit('all', wrong)).rejects.toMatchObject({ code: 'bad-usage' });
      await expect(queue.limit('everything', 1)).rejects.toMatchObject({ code: 'bad-usage' });
      expect((await queue.events()).map(({ type }) => type).filter((type) => type.endsWith('limited'))).toEqual([
        'limited',
        'unlimited',
      ]);
    });

    it('are obeyed by workers that ask at the same moment', async () => {
      await using harness = await open();
      const queue = await harness.queue();
      await queue.sync(
        Array.from({ length: 8 }, (_, index) => entry(`t${index}`)),
        everything,
      );
      await queue.limit('all', 3);
      const claims = await Promise.all(Array.from({ length: 8 }, (_, index) => queue.claim({ worker: `w${index}` })));
      expect(claims.filter((claim) => claim !== undefined)).toHaveLength(3);
    });

    it('drain a worker: it keeps what it has and gets nothing more', async () => {
      await using harness = await open();
      const queue = await harness.queue();
      await queue.sync([entry('a'), entry('b')], everything);
      expect(await queue.drain('w', true)).toBe(false);
      const a = await claimed(queue);
      expect(await queue.drain('w', true)).toBe(true);
      expect(await queue.claim({ worker: 'w' })).toBeUndefined();
      expect(await queue.heartbeat(a, 60)).toMatchObject({ held: true });
      expect((await queue.stats()).workers).toMatchObject([{ name: 'w', draining: true, holds: ['a'] }]);
      expect((await claimed(queue, { worker: 'other' })).task).toBe('b');
      await queue.drain('w', false);
      await queue.settle(a, { result: 'failed', class: 'transient' });
      await harness.advance(15_000);
      expect((await claimed(queue)).task).toBe('a');
    });

    it('cancel a waiting task at once, and a claimed one when its worker lets go', async () => {
      await using harness = await open();
      const queue = await harness.queue();
      await queue.sync([entry('a', { impact: 9 }), entry('b')], everything);
      const a = await claimed(queue);
      expect(await queue.cancel('b', 'not now')).toMatchObject({
        changed: true,
        task: { status: { state: 'cancelled' } },
      });
      expect(await queue.cancel('b', 'again')).toMatchObject({ changed: false });
      expect(await queue.cancel('a', 'wrong server')).toMatchObject({ changed: true });
      expect(await queue.heartbeat(a, 60)).toMatchObject({ held: true, stopping: 'wrong server' });
      expect(await queue.settle(a, { result: 'failed', class: 'interrupted' })).toEqual({
        accepted: true,
        state: 'cancelled',
      });
      expect(await queue.outcomes()).toHaveLength(1);
      expect(await queue.claim({ worker: 'w' })).toBeUndefined();
      expect(await queue.cancel('nothing', '')).toMatchObject({ changed: false, why: 'There is no task nothing.' });
    });

    it('cannot undo by cancelling what was done meanwhile, and a dead worker does not undo a cancel', async () => {
      await using harness = await open();
      const queue = await harness.queue();
      await queue.sync([entry('a', { impact: 9 }), entry('b')], everything);
      const [a] = [await claimed(queue), await claimed(queue)];
      await queue.cancel('a', 'late');
      await queue.cancel('b', 'late');
      expect(await queue.settle(a, { result: 'done' })).toEqual({ accepted: true, state: 'done' });
      await harness.advance(60_000);
      expect(await queue.claim({ worker: 'w' })).toBeUndefined();
      expect(await queue.list({ ids: ['b'] })).toMatchObject([{ status: { state: 'cancelled' } }]);
    });
  });

  modelTests(name, open, runs);
}

/** A claim that must succeed. */
async function claimed(queue: SwarmStore, request: Partial<Parameters<SwarmStore['claim']>[0]> = {}): Promise<Granted> {
  const claim = await queue.claim({ worker: 'w', ...request });
  if (claim === undefined) throw new Error('There is nothing to claim.');
  return claim;
}
