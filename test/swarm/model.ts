import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { comparePriorities } from '../../src/priority/index.ts';
import { failureClasses } from '../../src/remediation/contract.ts';
import {
  defaultRetries,
  hasOccurredSince,
  nextAfter,
  nextAfterLapse,
  noFailures,
  serialKeyOf,
} from '../../src/swarm/rules.ts';
import type { ClaimRef, Failures, Report, TaskEntry, TaskState } from '../../src/swarm/types.ts';
import { runsOf } from '../soak.ts';
import type { Harness } from './contract.ts';
import { entry, everything } from './entries.ts';

/** The queue as a list that one process keeps in memory, without a database, leases of processes or an index. */
interface Kept {
  entry: TaskEntry;
  state: TaskState;
  since: number;
  notBefore: number;
  failures: Failures;
  approved: boolean;
  token: number;
  leaseUntil: number;
  stopping: boolean;
}

type Operation =
  | { readonly type: 'sync'; readonly entries: readonly TaskEntry[] }
  | {
      readonly type: 'claim';
      readonly worker: string;
      readonly handlers: readonly string[];
      readonly engines: readonly string[];
    }
  /** Of the claims made so far, also of those that are over. */
  | { readonly type: 'settle'; readonly claim: number; readonly report: Report }
  | { readonly type: 'heartbeat' | 'release'; readonly claim: number }
  | { readonly type: 'approve' | 'cancel' | 'redrive'; readonly task: string }
  | { readonly type: 'pause' | 'resume'; readonly scope: string }
  | { readonly type: 'limit'; readonly scope: string; readonly perHour: number | null }
  | { readonly type: 'drain'; readonly worker: string; readonly draining: boolean }
  | { readonly type: 'advance'; readonly ms: number };

const ids = ['a', 'b', 'c', 'd', 'e', 'f'];

const workers = ['w1', 'w2'];

/** The task of an id depends on earlier ids only, so that there is no cycle. */
function anyEntry(id: string, index: number): fc.Arbitrary<TaskEntry> {
  return fc
    .record({
      handler: fc.constantFrom('agent', 'agent', 'memory', 'person'),
      automation: fc.constantFrom('auto', 'auto', 'approve', 'human'),
      engine: fc.constantFrom('E1', 'E2'),
      impact: fc.constantFrom(1, 5, 5.5, 10),
      urgency: fc.constantFrom('critical', 'medium', 'low'),
      component: fc.constantFrom('x', 'y'),
      dependencies: fc.subarray(ids.slice(0, index), { maxLength: Math.min(index, 2) }),
      lastOccurrence: fc.constantFrom('2026-02-01', '2026-03-01T03:00:00Z', '2030-01-01'),
      title: fc.constantFrom('One', 'Two'),
    } as const)
    .map((choice) => entry(id, { ...choice, engine: choice.handler === 'memory' ? choice.engine : null }));
}

const anyEntries = fc.tuple(...ids.map(anyEntry)).chain((all) => fc.subarray(all, { minLength: 2 }));

const anyReport: fc.Arbitrary<Report> = fc.oneof(
  fc.constant({ result: 'done' } as const),
  fc.constantFrom(...failureClasses).map((failure) => ({ result: 'failed', class: failure }) as const),
);

const anyClaim = fc.nat({ max: 7 });

const anyOperation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ type: fc.constant('sync' as const), entries: anyEntries }) },
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constant('claim' as const),
      worker: fc.constantFrom(...workers),
      handlers: fc.constantFrom(['agent'], ['memory'], ['agent', 'memory', 'person']),
      engines: fc.constantFrom([], ['E1'], ['E1', 'E2']),
    }),
  },
  { weight: 5, arbitrary: fc.record({ type: fc.constant('settle' as const), claim: anyClaim, report: anyReport }) },
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constantFrom('heartbeat' as const, 'release' as const), claim: anyClaim }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constantFrom('approve' as const, 'approve' as const, 'cancel' as const, 'redrive' as const),
      task: fc.constantFrom(...ids),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constantFrom('pause' as const, 'resume' as const),
      scope: fc.constantFrom('all', 'handler:memory', 'component:x', 'engine:E1'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('limit' as const),
      scope: fc.constantFrom('all', 'handler:agent', 'component:x', 'engine:E1'),
      perHour: fc.constantFrom(1, 2, 3, null),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('drain' as const),
      worker: fc.constantFrom(...workers),
      draining: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('advance' as const),
      ms: fc.constantFrom(1_000, 15_000, 60_000, 86_400_000),
    }),
  },
);

const project = '/srv/app';

/** Runs operations on a store and on the model, and compares every answer. */
class Model {
  readonly kept = new Map<string, Kept>();
  readonly gates = new Set<string>();
  readonly limits = new Map<string, number>();
  /** Claims that were not released. */
  readonly handedOut = new Map<number, { readonly task: string; readonly at: number }>();
  readonly draining = new Map<string, boolean>();
  readonly claims: ClaimRef[] = [];
  readonly accepted: { readonly task: string; readonly token: number; readonly result: string }[] = [];
  at = Date.parse('2026-03-01T00:00:00Z');

  sync(entries: readonly TaskEntry[]): void {
    const made = new Map(entries.map((one) => [one.task.id, one]));
    for (const [id, one] of made) {
      const kept = this.kept.get(id);
      if (kept === undefined) {
        this.kept.set(id, { ...this.fresh(), entry: one, approved: false, token: 0, leaseUntil: 0, stopping: false });
        continue;
      }
      if (kept.state === 'claimed') continue;
      const { title, handler, component, target } = kept.entry.task;
      const isSaid =
        title === one.task.title &&
        handler === one.task.handler &&
        component === one.task.component &&
        target === one.task.target;
      kept.approved &&= isSaid && one.task.automation === 'approve';
      kept.entry = one;
      const isBack =
        kept.state === 'withdrawn' ||
        (['done', 'person', 'dead'].includes(kept.state) &&
          hasOccurredSince(one.task, new Date(kept.since).toISOString()));
      if (isBack) Object.assign(kept, this.fresh(), { approved: false });
    }
    for (const [id, kept] of this.kept)
      if (!made.has(id) && !['withdrawn', 'done', 'claimed'].includes(kept.state))
        Object.assign(kept, { state: 'withdrawn', since: this.at, notBefore: 0 });
  }

  fresh() {
    return { state: 'open', since: this.at, notBefore: 0, failures: noFailures } as const;
  }

  /** The task that must be handed out. */
  next(handlers: readonly string[], engines: readonly string[]): Kept | undefined {
    for (const kept of this.kept.values())
      if (kept.state === 'claimed' && kept.leaseUntil <= this.at)
        this.end(kept, nextAfterLapse(kept.failures, defaultRetries));
    const taken = new Set(
      [...this.kept.values()].filter(({ state }) => state === 'claimed').map(({ entry: one }) => keyOf(one)),
    );
    return [...this.kept.values()]
      .filter(({ entry: { task, engine }, ...kept }) => {
        const scopes = scopesOf({ task, engine });
        return (
          kept.state === 'open' &&
          task.automation !== 'human' &&
          task.handler !== 'person' &&
          (task.automation === 'auto' || kept.approved) &&
          kept.notBefore <= this.at &&
          handlers.includes(task.handler) &&
          (engine === null || engines.includes(engine)) &&
          task.dependencies.every((id) => ['done', 'withdrawn'].includes(this.kept.get(id)?.state ?? '')) &&
          !scopes.some((scope) => this.gates.has(scope) || this.isSpent(scope)) &&
          !taken.has(keyOf({ task, engine }))
        );
      })
      .toSorted((a, b) => comparePriorities(a.entry.task, b.entry.task))[0];
  }

  isSpent(scope: string): boolean {
    const counted = [...this.handedOut.values()].filter(({ task, at }) => {
      const kept = this.kept.get(task);
      return at > this.at - 3_600_000 && kept !== undefined && scopesOf(kept.entry).includes(scope);
    });
    return counted.length >= (this.limits.get(scope) ?? Infinity);
  }

  end(kept: Kept, next: ReturnType<typeof nextAfter>): TaskState {
    const isCancelled = kept.stopping && next.state !== 'done';
    kept.state = isCancelled ? 'cancelled' : next.state;
    kept.notBefore = !isCancelled && next.state === 'open' ? this.at + next.waitMs : 0;
    Object.assign(kept, { since: this.at, failures: next.failures, stopping: false });
    return kept.state;
  }

  held({ task, token }: ClaimRef): Kept | undefined {
    const kept = this.kept.get(task);
    return kept?.state === 'claimed' && kept.token === token ? kept : undefined;
  }
}

function scopesOf({ task, engine }: TaskEntry): readonly string[] {
  return ['all', `handler:${task.handler}`, `component:${task.component}`, `engine:${engine ?? ''}`];
}

function keyOf({ task, engine }: TaskEntry): string {
  return serialKeyOf(task, project, engine);
}

async function execute(
  operation: Operation,
  model: Model,
  harness: Harness,
  store: Awaited<ReturnType<Harness['queue']>>,
) {
  switch (operation.type) {
    case 'sync':
      await store.sync(operation.entries, everything);
      return model.sync(operation.entries);
    case 'claim': {
      const { worker, handlers, engines } = operation;
      const granted = await store.claim({ worker, handlers, engines });
      const wanted = model.next(handlers, engines);
      const isDraining = model.draining.get(worker) ?? false;
      model.draining.set(worker, isDraining);
      expect(granted?.task).toBe(isDraining ? undefined : wanted?.entry.task.id);
      if (granted === undefined || wanted === undefined) return;
      expect(granted.token).toBeGreaterThan(Math.max(0, ...model.claims.map(({ token }) => token)));
      expect(granted.entry.task).toEqual(wanted.entry.task);
      model.claims.push({ task: granted.task, token: granted.token });
      model.handedOut.set(granted.token, { task: granted.task, at: model.at });
      return Object.assign(wanted, {
        state: 'claimed',
        since: model.at,
        notBefore: 0,
        token: granted.token,
        leaseUntil: model.at + 60_000,
      });
    }
    case 'settle': {
      const claim = model.claims.at(-1 - operation.claim);
      if (claim === undefined) return;
      const kept = model.held(claim);
      const settled = await store.settle(claim, operation.report);
      const isRepeated = model.accepted.some(({ token }) => token === claim.token);
      if (kept === undefined)
        return expect(settled).toEqual(
          isRepeated ? { accepted: true, state: model.kept.get(claim.task)?.state } : { accepted: false, why: 'stale' },
        );
      model.accepted.push({ ...claim, result: operation.report.result });
      return expect(settled).toEqual({
        accepted: true,
        state: model.end(kept, nextAfter(operation.report, kept.failures, defaultRetries)),
      });
    }
    case 'heartbeat': {
      const claim = model.claims.at(-1 - operation.claim);
      if (claim === undefined) return;
      const kept = model.held(claim);
      expect((await store.heartbeat(claim, 60)).held).toBe(kept !== undefined);
      if (kept !== undefined) kept.leaseUntil = model.at + 60_000;
      return;
    }
    case 'release': {
      const claim = model.claims.at(-1 - operation.claim);
      if (claim === undefined) return;
      const kept = model.held(claim);
      expect((await store.release(claim, 0)).accepted).toBe(kept !== undefined);
      if (kept === undefined) return;
      model.handedOut.delete(claim.token);
      model.end(kept, { state: 'open', waitMs: 0, failures: kept.failures });
      return;
    }
    case 'approve': {
      const kept = model.kept.get(operation.task);
      const { changed } = await store.approve(operation.task, 'me');
      const isWanted =
        kept?.state === 'open' && kept.entry.task.automation === 'approve' && kept.entry.task.handler !== 'person';
      expect(changed).toBe(isWanted);
      if (kept !== undefined && isWanted) kept.approved = true;
      return;
    }
    case 'cancel': {
      const kept = model.kept.get(operation.task);
      const { changed } = await store.cancel(operation.task, 'no');
      const isWanted = kept !== undefined && !['done', 'withdrawn', 'cancelled'].includes(kept.state);
      expect(changed).toBe(isWanted);
      if (kept === undefined || !isWanted) return;
      if (kept.state === 'claimed') kept.stopping = true;
      else Object.assign(kept, model.fresh(), { state: 'cancelled' });
      return;
    }
    case 'redrive': {
      const kept = model.kept.get(operation.task);
      const { changed } = await store.redrive(operation.task);
      const isWanted = kept !== undefined && ['open', 'person', 'dead', 'cancelled'].includes(kept.state);
      expect(changed).toBe(isWanted);
      if (isWanted) Object.assign(kept, model.fresh());
      return;
    }
    case 'pause':
      await store.pause(operation.scope, 'why');
      return model.gates.add(operation.scope);
    case 'resume':
      return expect(await store.resume(operation.scope)).toBe(model.gates.delete(operation.scope));
    case 'limit': {
      const { scope, perHour } = operation;
      const isKnown = perHour !== null || model.limits.has(scope);
      expect(await store.limit(scope, perHour)).toBe(isKnown);
      if (perHour === null) model.limits.delete(scope);
      else model.limits.set(scope, perHour);
      return;
    }
    case 'drain': {
      const isKnown = model.draining.has(operation.worker);
      expect(await store.drain(operation.worker, operation.draining)).toBe(isKnown);
      if (isKnown) model.draining.set(operation.worker, operation.draining);
      return;
    }
    case 'advance':
      model.at += operation.ms;
      return harness.advance(operation.ms);
  }
}

export function modelTests(name: string, open: () => Promise<Harness>, runs: number): void {
  describe(`${name}: any operations in any order`, () => {
    it('give what a plain list in memory gives', { timeout: 300_000 }, async () => {
      await fc.assert(
        fc.asyncProperty(
          anyEntries,
          fc.array(anyOperation, { maxLength: 60, size: 'max' }),
          async (entries, operations) => {
            await using harness = await open();
            const store = await harness.queue(project);
            const model = new Model();
            await execute({ type: 'sync', entries }, model, harness, store);
            for (const operation of operations) await execute(operation, model, harness, store);
            const states = (await store.list()).map(
              ({ id, status, failures }) => [id, status.state, failures] as const,
            );
            const expected = [...model.kept.values()]
              .toSorted((a, b) => comparePriorities(a.entry.task, b.entry.task))
              .map((kept) => [kept.entry.task.id, kept.state, kept.failures] as const);
            expect(states).toEqual(expected);
            const outcomes = (await store.outcomes()).map(({ task, token, result }) => ({ task, token, result }));
            expect(outcomes).toEqual(model.accepted);
          },
        ),
        { numRuns: runsOf(runs) },
      );
    });

    it('are explained: a task that is listed as waiting for nothing is the one that is handed out', async () => {
      await fc.assert(
        fc.asyncProperty(anyEntries, fc.array(anyOperation, { maxLength: 20 }), async (entries, operations) => {
          await using harness = await open();
          const store = await harness.queue(project);
          const model = new Model();
          await execute({ type: 'sync', entries }, model, harness, store);
          for (const operation of operations) await execute(operation, model, harness, store);
          // Ends what has lapsed, and takes nothing.
          await store.claim({ worker: 'new', handlers: ['nothing'] });
          const [first] = (await store.list()).filter(
            ({ status }) => status.state === 'open' && status.waiting === null,
          );
          const granted = await store.claim({ worker: 'new', handlers: ['agent', 'memory'], engines: ['E1', 'E2'] });
          expect(granted?.task).toBe(first?.id);
        }),
        { numRuns: runsOf(runs / 2) },
      );
    });
  });
}
