import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import type { Instance } from '../../host/instance.ts';
import { unmanagedServers } from '../../host/instances.ts';
import { shareAnswers } from '../../host/shared-reader.ts';
import { compareText } from '../../util/compare.ts';
import type { Detection, Finding, ReadonlyHost, Remediator, Skipped } from '../contract.ts';
import { finding as findingSchema } from '../schemas.ts';
import { asRestarting, findRestartLoops } from '../shared/availability.ts';
import type { EngineContext } from './session.ts';
import { failureOf } from './steps.ts';

/** An instance, and the checks of it that ran to their end. */
export interface CheckedInstance {
  readonly instance: string;
  /** Names of remediators, sorted. */
  readonly remediators: readonly string[];
  /** The time that its checks took, in milliseconds. */
  readonly ms: number;
}

export interface CheckRound {
  /** Redacted, not yet linked to records. */
  readonly findings: readonly Finding[];
  readonly notLookedAt: readonly Skipped[];
  /** Sorted by instance. */
  readonly lookedAt: readonly CheckedInstance[];
  /** Names of running containers that seem to be PostgreSQL servers, but are no instances. Sorted. */
  readonly unmanaged: readonly string[];
}

const skippedChecks = z.array(
  z.object({
    remediator: z.string(),
    instance: z.string().nullable(),
    reason: z.string(),
    lasting: z.literal(true).exactOptional(),
  }),
);

/** Checks that run at the same time. Most wait for the engine or a server; more would slow down what they measure. */
const together = 6;

/** How long one check of one instance may take, in milliseconds. A drill of a large backup is not part of a check. */
const checkDeadlineMs = 300_000;

/** One remediator on one instance, or on all of them if it checks them as a whole. */
interface Check {
  readonly remediator: Remediator;
  readonly instance: string | null;
  readonly host: ReadonlyHost;
}

/**
 * Runs the checks of these remediators, several at the same time. What they ask the engine is shared, an error or a
 * deadline ends only the check that it happens in, and everything that is left over ends with the round.
 * @throws ProblemsError `engine-unreachable`, `state-locked`, `state-unwritable`, `bad-config`: these end the round.
 */
export async function runChecks(
  session: EngineContext,
  remediators: readonly Remediator[],
  deadlineMs = checkDeadlineMs,
): Promise<CheckRound> {
  const round = new AbortController();
  const signal = AbortSignal.any([session.signal, round.signal]);
  const opened = session.host.openRound?.(signal) ?? {
    ...session.host.withSignal(signal),
    close: async () => undefined,
  };
  try {
    const reader = { ...session.reader, ...opened.reader };
    return await checkAll(session, remediators, await sharedHost(session, reader), deadlineMs);
  } finally {
    round.abort(new Error('the round of checks has ended'));
    if ('close' in opened) await opened.close();
  }
}

/** A host that shares its answers. An instance in a restart loop is down for the whole round, whenever it is looked at. */
async function sharedHost(session: EngineContext, reader: ReadonlyHost): Promise<ReadonlyHost> {
  const shared = shareAnswers(reader);
  // An engine that does not answer is reported where the round asks for the same list.
  const instances = await shared.instances().catch(() => []);
  return asRestarting(shared, await findRestartLoops(instances, reader, session.now()));
}

async function checkAll(
  session: EngineContext,
  remediators: readonly Remediator[],
  shared: ReadonlyHost,
  deadlineMs: number,
): Promise<CheckRound> {
  const machine = remediators.length === 0 ? emptyMachine : await machineOf(session, shared);
  if ('reason' in machine) {
    const notLookedAt = remediators.map(({ name }) => ({ remediator: name, instance: null, reason: machine.reason }));
    return { findings: [], notLookedAt, lookedAt: [], unmanaged: [] };
  }
  const { instances, unmanaged } = machine;
  session.emit({
    type: 'round',
    state: 'started',
    remediators: remediators.map(({ name }) => name),
    instances: instances.map(({ name }) => name),
  });
  noticeShortSecrets(session, instances);
  const findings: Finding[] = [];
  const notLookedAt: Skipped[] = [];
  const spent = new Map(instances.map(({ name }) => [name, 0]));
  const waiting = checksOf(remediators, instances, shared);

  async function run(check: Check): Promise<void> {
    const { remediator, instance } = check;
    const named = { remediator: remediator.name, ...(instance === null ? {} : { instance }) };
    session.emit({ type: 'check', state: 'started', ...named });
    const began = performance.now();
    const detection = await runCheck(session, check, deadlineMs);
    if (instance !== null) spent.set(instance, (spent.get(instance) ?? 0) + performance.now() - began);
    for (const found of detection.findings) findings.push(redacted(session, remediator, found));
    notLookedAt.push(...skippedChecks.parse(session.redact.data(detection.notLookedAt)));
    session.emit({ type: 'check', state: 'ended', ...named });
  }

  async function work(): Promise<void> {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await run(next);
  }

  await Promise.all(Array.from({ length: together }, work));
  const order = remediators.map(({ name }) => name);
  const sorted = notLookedAt.toSorted(
    (a, b) => order.indexOf(a.remediator) - order.indexOf(b.remediator) || compareText(textOf(a), textOf(b)),
  );
  return {
    findings: withoutSymptoms(findings, remediators),
    notLookedAt: sorted,
    lookedAt: lookedAt(order, sorted, spent),
    unmanaged,
  };
}

function noticeShortSecrets(session: EngineContext, instances: readonly Instance[]): void {
  const asked = new Set(instances.map(({ name }) => name));
  for (const instance of session.host.shortSecrets?.() ?? [])
    if (asked.has(instance))
      session.emit({
        type: 'notice',
        instance,
        text: `The password of ${instance} is too short to be hidden in messages and reports. Set a longer one.`,
      });
}

const emptyMachine = { instances: [], unmanaged: [] };

interface Machine {
  readonly instances: readonly Instance[];
  readonly unmanaged: readonly string[];
}

/** The instances and the other servers; if the engine answers, but refuses to list them, its reason. */
async function machineOf(session: EngineContext, host: ReadonlyHost): Promise<Machine | { readonly reason: string }> {
  try {
    const [instances, all, containers] = await Promise.all([
      host.instances(),
      host.instances({ all: true }),
      host.docker.containers(),
    ]);
    return { instances, unmanaged: unmanagedServers(containers, all).map(({ name }) => name) };
  } catch (error) {
    return { reason: session.redact.text(skipReason(session, error)) };
  }
}

/** Why a check is skipped. @throws the error, if it ends the round. */
function skipReason(session: EngineContext, error: unknown): string {
  if (session.signal.aborted) throw session.signal.reason;
  const failure = failureOf(error);
  const isConfig = error instanceof ProblemsError && error.code === 'bad-config';
  if (failure.class === 'transient' || isConfig) throw error;
  return failure.message;
}

/** Drops the findings that only say that an instance is down if another check says why. */
function withoutSymptoms(findings: readonly Finding[], remediators: readonly Remediator[]): readonly Finding[] {
  const explained = new Set(findings.flatMap(({ instance, down }) => (down === true ? [instance] : [])));
  const symptoms = new Set(remediators.flatMap(({ name, findsSymptoms }) => (findsSymptoms === true ? [name] : [])));
  return findings.filter(({ remediator, instance }) => !symptoms.has(remediator) || !explained.has(instance));
}

/** Instance by instance, so that the first one is finished while the others are still being checked. */
function checksOf(remediators: readonly Remediator[], instances: readonly Instance[], shared: ReadonlyHost): Check[] {
  const whole = remediators.filter(({ perInstance }) => perInstance !== true);
  const names = [...new Set(instances.map(({ name }) => name))];
  return [
    ...whole.map((remediator) => ({ remediator, instance: null, host: shared })),
    ...names.flatMap((name) => {
      const host = narrowed(shared, name);
      return remediators
        .filter(({ perInstance }) => perInstance === true)
        .map((remediator) => ({ remediator, instance: name, host }));
    }),
  ];
}

/** The host with this instance alone. Everything else about the machine can still be seen. */
function narrowed(shared: ReadonlyHost, name: string): ReadonlyHost {
  return {
    ...shared,
    async instances(options = {}) {
      const all = await shared.instances(options);
      return options.all === true ? all : all.filter((one) => one.name === name);
    },
  };
}

/** What a check found; if it failed, that it was skipped and why. */
async function runCheck(
  session: EngineContext,
  { remediator, instance, host }: Check,
  deadlineMs: number,
): Promise<Detection> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const seconds = Math.ceil(deadlineMs / 1000);
    timer = setTimeout(() => reject(new Error(`The check did not end within ${seconds} s.`)), deadlineMs);
  });
  try {
    session.signal.throwIfAborted();
    return await Promise.race([remediator.detect(host), late]);
  } catch (error) {
    const reason = skipReason(session, error);
    return { findings: [], notLookedAt: [{ remediator: remediator.name, instance, reason }] };
  } finally {
    clearTimeout(timer);
  }
}

function redacted(session: EngineContext, { name }: Remediator, found: Finding): Finding {
  return findingSchema.parse(session.redact.data({ ...found, remediator: name, problem: null }));
}

function lookedAt(
  remediators: readonly string[],
  skipped: readonly Skipped[],
  spent: ReadonlyMap<string, number>,
): readonly CheckedInstance[] {
  return [...spent]
    .toSorted(([a], [b]) => compareText(a, b))
    .map(([instance, ms]) => ({
      instance,
      remediators: remediators
        .filter((name) => !skipped.some((one) => isAbout(one, name, instance)))
        .toSorted(compareText),
      ms: Math.round(ms),
    }));
}

function isAbout(skipped: Skipped, remediator: string, instance: string): boolean {
  return skipped.remediator === remediator && (skipped.instance === null || skipped.instance === instance);
}

function textOf({ instance, reason }: Skipped): string {
  return [instance ?? '', reason].join('\0');
}
