/* What the compiler must be able to tell of `problem-registry/swarm`. Checked by `npm run types`; nothing runs. */

import { checkPaths, loadConfig, type Task } from 'problem-registry';
import {
  type Claim,
  openSwarm,
  type ProjectSwarm,
  type Settled,
  type Swarm,
  type SwarmEvent,
  type SwarmTask,
  type SyncResult,
} from 'problem-registry/swarm';
import { expectTypeOf } from 'vitest';

const cwd = '/project';
const config = await loadConfig(cwd);
const swarm = await openSwarm({ cwd, config });
expectTypeOf(swarm).toEqualTypeOf<ProjectSwarm>();
expectTypeOf(swarm).toExtend<Swarm>();

// The registries of a scan are what a queue is made of.
const { registries, diagnostics } = await checkPaths(['.'], { cwd, config });
expectTypeOf(await swarm.sync(registries, diagnostics)).toEqualTypeOf<SyncResult>();

const claim = await swarm.claim({ worker: 'w', kinds: ['resolution'] });
expectTypeOf(claim).toEqualTypeOf<Claim | undefined>();
if (claim !== undefined) {
  expectTypeOf(claim.task).toEqualTypeOf<Task>();
  expectTypeOf(claim.signal).toEqualTypeOf<AbortSignal>();
  const settled = await claim.report({ result: 'failed', class: 'transient', notes: 'The engine restarted.' });
  expectTypeOf(settled).toEqualTypeOf<Settled>();
  // @ts-expect-error -- there is no such class of failure
  await claim.report({ result: 'failed', class: 'unlucky' });
  // @ts-expect-error -- what is done did not fail
  await claim.report({ result: 'done', class: 'transient' });
}

// An event is of a task or of a scope, and the compiler knows which.
for (const event of await swarm.events({ after: 0 })) {
  if (event.type === 'paused') expectTypeOf(event.scope).toEqualTypeOf<string>();
  if (event.type === 'claimed') expectTypeOf(event.task).toEqualTypeOf<string>();
}
const [first] = await swarm.tasks({ states: ['open'] });
expectTypeOf(first).toEqualTypeOf<SwarmTask | undefined>();
if (first?.status.state === 'open' && first.status.waiting?.for === 'tasks')
  expectTypeOf(first.status.waiting.tasks).toEqualTypeOf<readonly string[]>();
expectTypeOf<SwarmEvent['seq']>().toEqualTypeOf<number>();
