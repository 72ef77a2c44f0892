import { setTimeout as sleep } from 'node:timers/promises';
import { ProblemsError } from '../errors.ts';
import { isList, type Json, getString, getStringMap } from '../util/json.ts';
import { type ChangingEngine, type EngineReply, jsonOf } from './docker/client.ts';
import type { HelperSpec } from './docker/types.ts';
import { helperLabel, runLabel } from './docker/shapes.ts';
import { isAlive, ownIdentity, type ProcessIdentity } from './process-identity.ts';

/** Short-lived containers whose process was killed before it took them away. */

/** The process that waits for a helper. */
const ownerLabel = 'problems.owner';

/** Whoever takes the work up waits for it. */
const goesOnLabel = 'problems.goes-on';

export async function ownLabels({ goesOn }: HelperSpec): Promise<Readonly<Record<string, string>>> {
  const { pid, began, machine } = await ownIdentity();
  return {
    [helperLabel]: '1',
    [ownerLabel]: `${pid} ${began || '-'} ${machine}`,
    ...(goesOn === true ? { [goesOnLabel]: '1' } : {}),
  };
}

/** With its own anonymous volumes: the image's VOLUME makes one that nobody else has. Gone when it returns. */
export async function removeHelper(engine: ChangingEngine, id: string): Promise<void> {
  const reply = await patiently(() =>
    engine.delete({ path: `/containers/${id}`, query: { force: '1', v: '1' }, timeoutMs: 20_000 }),
  );
  // The engine takes it away by itself at this moment.
  if (reply?.status === 409)
    await patiently(() =>
      engine.post({ path: `/containers/${id}/wait`, query: { condition: 'removed' }, timeoutMs: 20_000 }),
    );
}

/** An engine that is started again in this moment is asked again, for some seconds; `resume` and the next process look too. */
async function patiently(ask: () => Promise<EngineReply>): Promise<EngineReply | undefined> {
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

/** Ends those with this label, but those that go on, and takes away what processes of this machine left. */
export async function endHelpers(engine: ChangingEngine, label: string, value: string): Promise<void> {
  await sweep(engine);
  for (const { id, labels } of await helpers(engine, `${label}=${value}`))
    if (!Object.hasOwn(labels, goesOnLabel)) await removeHelper(engine, id);
}

const swept = new WeakSet<ChangingEngine>();

/** Before the first helper of a process: what others left is taken away. That it could not be done keeps nobody from work. */
export async function sweepOnce(engine: ChangingEngine): Promise<void> {
  if (swept.has(engine)) return;
  swept.add(engine);
  try {
    await sweep(engine);
  } catch (error) {
    if (!(error instanceof ProblemsError)) throw error;
  }
}

/**
 * Helpers whose owner was a process of this machine that has ended. One that still runs for a run, or goes on, is left to
 * whoever takes that work up.
 */
async function sweep(engine: ChangingEngine): Promise<void> {
  const { machine } = await ownIdentity();
  for (const { id, labels, isRunning } of await helpers(engine, ownerLabel)) {
    const owner = ownerOf(labels[ownerLabel] ?? '');
    if (owner?.machine !== machine || (await isAlive(owner, '', new Date()))) continue;
    // What becomes of the helpers of a run is decided where it is taken up.
    if (isRunning && (Object.hasOwn(labels, runLabel) || Object.hasOwn(labels, goesOnLabel))) continue;
    await removeHelper(engine, id);
  }
}

function ownerOf(label: string): ProcessIdentity | undefined {
  const [, pid, began = '', machine = ''] = /^(\d{1,10}) (\S+) (.+)$/.exec(label) ?? [];
  return pid === undefined ? undefined : { pid: Number(pid), began: began === '-' ? '' : began, machine };
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
