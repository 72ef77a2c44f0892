import { AssertionError } from 'node:assert';
import type { Action, Host, Json } from '../remediation/contract.ts';
import { jsonValue } from '../remediation/schemas.ts';
import { parseValue } from '../remediation/standard-schema.ts';
import { errorText } from '../util/text.ts';

/** What every action promises the engine. See docs/plugins.md. */
export const actionPromises = {
  'is not done before': '`isDone` is false before `apply`',
  'changes nothing by preparing and describing': '`prepare`, `effect` and `describe` only read',
  'changes nothing ahead': '`beforeInterrupt` changes nothing that `isDone` or anyone else could tell',
  'is done after': '`isDone` is true after `apply`',
  'has changed something': '`apply` changes the world',
  'applied twice equals once': 'a second `apply` changes nothing more',
  'is not undone yet': '`isUndone` is false after `apply`',
  'is undone': '`isUndone` is true after `undo`',
  'undo restores': '`undo` brings back what was there before',
  'undone twice equals once': 'a second `undo` changes nothing more',
  'resumes after being killed': 'an `apply` that was killed in the middle can be applied again',
  'undoes after being killed': 'an `apply` or `undo` that was killed in the middle can be undone',
} as const;

export type ActionPromise = keyof typeof actionPromises;

export interface ActionScenario {
  /** Parameters of one step, as a plan holds them. */
  readonly params: Json;
  /** What the action may change, before anything has been applied: `createTestHost().acting`, or one of a real engine. */
  readonly host: Host;
  /** Reads everything that the action may change, and nothing that changes by itself: compared as JSON. */
  readonly world: () => unknown;
  /**
   * Kills the action after every single change that it makes through `host.change`, then resumes or undoes it. Default
   * true. False for real engines where each round takes long.
   */
  readonly kills?: boolean;
  /** Promises that the action cannot keep, such as an undo of a session that was ended. They must really be broken. */
  readonly except?: readonly ActionPromise[];
}

/** One promise, and whether the action kept it. */
export interface ActionVerdict {
  readonly promise: ActionPromise;
  readonly kept: boolean;
  /** What was seen, if it was not kept. */
  readonly seen: string;
}

/**
 * Checks that an action keeps its promises: prepared, applied, applied again, undone and undone again, each as a new
 * process would, which knows the parameters and the undo state from the journal only. Leaves the world as it was if the
 * action can be undone.
 * @throws AssertionError: names every broken promise and what was seen.
 *
 * @example
 * const { acting, world } = createTestHost({ files: { '/project/NOTE': 'old' } });
 * await checkAction(noteWrite, { params: { path: '/project/NOTE', text: 'new' }, host: acting, world });
 */
export async function checkAction(action: Action, scenario: ActionScenario): Promise<void> {
  const { except = [] } = scenario;
  const verdicts = await actionVerdicts(action, scenario);
  const broken = verdicts.filter(({ promise, kept }) => !kept && !except.includes(promise));
  const keptAnyway = except.filter((promise) => verdicts.every((one) => one.promise !== promise || one.kept));
  if (broken.length + keptAnyway.length === 0) return;
  throw new AssertionError({
    message: [
      `${action.name} breaks its contract:`,
      ...broken.map(({ promise, seen }) => `- ${promise}: ${actionPromises[promise]}, but ${seen}`),
      ...keptAnyway.map((promise) => `- ${promise} is listed under \`except\`, but the action keeps this promise`),
    ].join('\n'),
    actual: broken.map(({ promise }) => promise),
    expected: [],
  });
}

/** The same, as data: one verdict for each promise that applies to the action, in the order in which they were checked. */
export async function actionVerdicts(action: Action, scenario: ActionScenario): Promise<readonly ActionVerdict[]> {
  const { host, kills = true } = scenario;
  const verdicts: ActionVerdict[] = [];
  function note(promise: ActionPromise, kept: boolean, seen: string): void {
    verdicts.push({ promise, kept, seen });
  }
  async function world(): Promise<string> {
    return JSON.stringify(await scenario.world()) ?? 'undefined';
  }
  const params = parseValue(action.params, throughJournal(scenario.params), `\`params\` of ${action.name}`);
  const isDone = async (): Promise<boolean> => action.isDone(params, host, host.run);

  const original = await world();
  note('is not done before', !(await isDone()), 'it is true');
  const kept = throughJournal(await action.prepare(params, host));
  const before = parseValue(action.undoState, kept, `what ${action.name} prepared`);
  await action.effect(params, host);
  action.describe(params);
  note(
    'changes nothing by preparing and describing',
    (await world()) === original,
    difference(original, await world()),
  );
  await action.beforeInterrupt?.(params, host);
  const ahead = await world();
  note('changes nothing ahead', ahead === original && !(await isDone()), difference(original, ahead));
  await action.apply(params, host);
  note('is done after', await isDone(), 'it is false');
  const once = await world();
  note('has changed something', once !== original, `the world is still ${original}`);
  await action.apply(params, host);
  const twice = await world();
  note('applied twice equals once', twice === once, difference(once, twice));
  if (action.undo === undefined) return verdicts;

  note('is not undone yet', !(await action.isUndone?.(params, before, host)), 'it is true');
  await action.undo(params, before, host);
  note('is undone', (await action.isUndone?.(params, before, host)) !== false, 'it is false');
  const undone = await world();
  note('undo restores', undone === original, difference(original, undone));
  await action.undo(params, before, host);
  const undoneTwice = await world();
  note('undone twice equals once', undoneTwice === original, difference(original, undoneTwice));
  if (!kills || undoneTwice !== original) return verdicts;
  return [...verdicts, ...(await verdictsOfKills(action, params, { before, original, once, host, world }))];
}

interface KillRound {
  readonly before: Json;
  readonly original: string;
  readonly once: string;
  readonly host: Host;
  readonly world: () => Promise<string>;
}

/** Rounds beyond this many changes tell nothing new. */
const mostChanges = 50;

/**
 * Kills `apply` after its first change, then after its second, and so on; resumes and undoes it each time. Ends with the
 * first fault, which leaves the world as it is.
 */
async function verdictsOfKills(action: Action, params: Json, round: KillRound): Promise<readonly ActionVerdict[]> {
  const { before, original, once, host, world } = round;
  const apply = async (own: Host): Promise<void> => action.apply(params, own);
  const undo = async (own: Host): Promise<void> => action.undo?.(params, before, own);
  async function faultOf(
    when: string,
    call: (own: Host) => Promise<void>,
    expected: string,
  ): Promise<string | undefined> {
    try {
      await call(host);
    } catch (error) {
      return `${when}, and the next call failed: ${errorText(error)}`;
    }
    const seen = await world();
    return seen === expected ? undefined : `${when}, and ${difference(expected, seen)}`;
  }
  let resumed: string | undefined;
  let undone: string | undefined;
  for (let changes = 1; changes <= mostChanges; changes += 1) {
    if (!(await isKilled(host, changes, apply))) break;
    resumed = await faultOf(`apply was killed after ${count(changes)}`, apply, once);
    if (resumed !== undefined) break;
    await isKilled(host, changes, undo);
    undone = await faultOf(`undo was killed after ${count(changes)}`, undo, original);
    if (undone !== undefined) break;
    await isKilled(host, changes, apply);
    undone = await faultOf(`apply was killed after ${count(changes)}`, undo, original);
    if (undone !== undefined) break;
  }
  if (resumed === undefined && undone === undefined) await undo(host);
  return [
    { promise: 'resumes after being killed', kept: resumed === undefined, seen: resumed ?? '' },
    { promise: 'undoes after being killed', kept: undone === undefined, seen: undone ?? '' },
  ];
}

/** Runs `work` on a host whose process ends right after so many changes. False: it made fewer, and ended by itself. */
async function isKilled(host: Host, changes: number, work: (host: Host) => Promise<void>): Promise<boolean> {
  const killed = new Error('killed by the contract test');
  let left = changes;
  function counted<Methods extends object>(methods: Methods): Methods {
    return new Proxy(methods, {
      get(target, name, receiver) {
        const method: unknown = Reflect.get(target, name, receiver);
        if (typeof method !== 'function') return method;
        return async (...values: readonly unknown[]): Promise<unknown> => {
          if (left === 0) throw killed;
          const result: unknown = await Reflect.apply(method, target, values);
          left -= 1;
          if (left === 0) throw killed;
          return result;
        };
      },
    });
  }
  const { docker, sql, files, compose, backups, leases } = host.change;
  const change = {
    docker: counted(docker),
    sql: counted(sql),
    files: counted(files),
    compose: counted(compose),
    backups: counted(backups),
    leases: counted(leases),
  };
  try {
    await work({ ...host, change });
  } catch (error) {
    if (left > 0) throw error;
  }
  return left === 0;
}

function count(changes: number): string {
  return changes === 1 ? '1 change' : `${changes} changes`;
}

/** As another process reads it. */
function throughJournal(value: Json): Json {
  return jsonValue.parse(JSON.parse(JSON.stringify(value)));
}

function difference(expected: string, seen: string): string {
  return `the world is ${shortened(seen)} instead of ${shortened(expected)}`;
}

function shortened(text: string): string {
  return text.length > 2_000 ? `${text.slice(0, 2_000)}…` : text;
}
