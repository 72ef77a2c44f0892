import { setTimeout as sleep } from 'node:timers/promises';
import { ProblemsError } from '../errors.ts';
import { isList, type Json, getString, getStringMap } from '../util/json.ts';
import { type ChangingEngine, jsonOf } from './docker/client.ts';
import type { EngineReply } from './docker/transport.ts';
import type { HelperSpec } from './docker/types.ts';
import { helperLabel, runLabel } from './docker/shapes.ts';
import { knownProcess, noteHelper, noteRemoval, pruneLedger } from './helper-ledger.ts';
import { isAlive, ownIdentity } from './process-identity.ts';

/**
 * Removes helpers, also those of processes that were killed before they could. Labels alone make no container a helper of
 * ours: anyone who can start containers can copy them. Only what the ledger in the user's state folder knows is removed.
 */

/** Names the process that waits for a helper, for people. */
const ownerLabel = 'problems.owner';

/** Names it in the ledger. */
const processLabel = 'problems.process';

/** Marks a helper that outlives its process: the process that resumes the run waits for it. */
const goesOnLabel = 'problems.goes-on';

export async function ownLabels({ goesOn }: Pick<HelperSpec, 'goesOn'>): Promise<Readonly<Record<string, string>>> {
  const { pid, began, machine } = await ownIdentity();
  const name = await noteHelper();
  return {
    [helperLabel]: '1',
    [ownerLabel]: `${pid} ${began || '-'} ${machine}`,
    ...(name === undefined ? {} : { [processLabel]: name }),
    ...(goesOn === true ? { [goesOnLabel]: '1' } : {}),
  };
}

/**
 * Removes a helper that this process has created, and its anonymous volumes, and returns when they are gone. Also done after
 * an abort.
 */
export async function removeHelper(engine: ChangingEngine, id: string): Promise<void> {
  if (await deleteContainer(engine, id, { force: '1', v: '1' })) noteRemoval();
}

/**
 * Removes a helper that another process left behind. Volumes are not removed by this program: when a helper of ours ends,
 * the engine removes it with the volume that it made for it.
 */
async function removeLeftover(engine: ChangingEngine, { id, isRunning }: Helper): Promise<void> {
  if (!isRunning) await deleteContainer(engine, id);
  else {
    await retryUnreachable(() => engine.post({ path: `/containers/${id}/kill`, ...limits }));
    await waitUntilRemoved(engine, id);
  }
}

const limits = { timeoutMs: 20_000, isCleanup: true } as const;

/** Returns when it is gone; false if the engine gave no answer. */
async function deleteContainer(
  engine: ChangingEngine,
  id: string,
  query: Readonly<Record<string, string>> = {},
): Promise<boolean> {
  const reply = await retryUnreachable(() => engine.delete({ path: `/containers/${id}`, query, ...limits }));
  // The engine is already removing it.
  if (reply?.status === 409) await waitUntilRemoved(engine, id);
  return reply !== undefined;
}

async function waitUntilRemoved(engine: ChangingEngine, id: string): Promise<void> {
  const query = { condition: 'removed' };
  await retryUnreachable(() => engine.post({ path: `/containers/${id}/wait`, query, ...limits }));
}

/**
 * Tries again for some seconds, since the engine may be restarting. Undefined if that did not help: `resume` and the next
 * process remove what is left.
 */
async function retryUnreachable(ask: () => Promise<EngineReply>): Promise<EngineReply | undefined> {
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof ProblemsError && error.code === 'engine-unreachable')) return undefined;
      await sleep(1_000);
    }
  }
  return undefined;
}

/** Removes our helpers with this label, except those that outlive their process, and all abandoned helpers. */
export async function endHelpers(engine: ChangingEngine, label: string, value: string): Promise<void> {
  await removeAbandonedHelpers(engine);
  for (const helper of await helpers(engine, `${label}=${value}`))
    if (!Object.hasOwn(helper.labels, goesOnLabel) && knownProcess(helper.labels[processLabel] ?? '') !== undefined)
      await removeLeftover(engine, helper);
}

const cleaned = new WeakSet<ChangingEngine>();

/** Before the first helper of a process. A failure is ignored: the work itself can go on. */
export async function removeAbandonedHelpersOnce(engine: ChangingEngine): Promise<void> {
  if (cleaned.has(engine)) return;
  cleaned.add(engine);
  try {
    await removeAbandonedHelpers(engine);
  } catch (error) {
    if (!(error instanceof ProblemsError)) throw error;
  }
}

/**
 * Removes helpers whose owner was a process of this machine and has ended. A helper that is still running for a run, or
 * that outlives its process, stays: the process that resumes the run decides.
 */
async function removeAbandonedHelpers(engine: ChangingEngine): Promise<void> {
  const { machine } = await ownIdentity();
  for (const helper of await helpers(engine, processLabel)) {
    const { labels, isRunning } = helper;
    const owner = knownProcess(labels[processLabel] ?? '');
    if (owner?.machine !== machine || (await isAlive(owner, '', new Date()))) continue;
    if (isRunning && (Object.hasOwn(labels, runLabel) || Object.hasOwn(labels, goesOnLabel))) continue;
    await removeLeftover(engine, helper);
  }
  await pruneLedger(new Date());
}

interface Helper {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly isRunning: boolean;
}

async function helpers(engine: ChangingEngine, label: string): Promise<readonly Helper[]> {
  const filters = JSON.stringify({ label: [helperLabel, label] });
  const listed = jsonOf(
    await engine.get({ path: '/containers/json', query: { all: '1', filters } }),
    'list helper containers',
  );
  return isList(listed) ? listed.map(helperOf) : [];
}

function helperOf(listed: Json): Helper {
  return {
    id: getString(listed, 'Id'),
    labels: getStringMap(listed, 'Labels'),
    isRunning: ['running', 'paused', 'restarting'].includes(getString(listed, 'State')),
  };
}
