import { ProblemsError } from '../../errors.ts';
import type { HelperResult, HelperSpec } from '../../host/docker/types.ts';
import { hasPriority } from '../../priority/record-text.ts';
import type { ProblemRecord } from '../../registry/record.ts';
import { createClassifier, remediatorFor } from '../../tasks/classify.ts';
import type { Json } from '../../util/json.ts';
import type {
  Action,
  Host,
  LeaseChanger,
  OpenHost,
  ReadonlyHost,
  Remediator,
  RunContext,
  Verifier,
} from '../contract.ts';
import type { CallOptions, RemediationEvent } from '../events.ts';
import { type Redactor, redactor } from '../redact.ts';
import type { ProcessIdentity, Store } from '../store/store.ts';

export interface EngineOptions {
  readonly host: OpenHost;
  readonly store: Store;
  readonly remediators: readonly Remediator[];
  /** Of work that is asked for. Remediators verify their own plans. */
  readonly verifiers: readonly Verifier[];
  readonly actions: readonly Action[];
  /** Of the config, by remediator name. */
  readonly settings?: Readonly<Record<string, Json>>;
  readonly now?: () => Date;
  /** Called at every point between two writes of the journal. For tests that end the process there. */
  readonly atPoint?: (name: string) => void | Promise<void>;
  /** Where escalation dossiers are written. */
  readonly dossiers: string;
  /** How long an engine that does not answer is waited for in the middle of a run. Default 60,000. */
  readonly patienceMs?: number;
}

/** Everything one call works with. */
export interface EngineContext {
  /** For checks, plans and verification: its calls reject when the call's signal is aborted. */
  readonly reader: ReadonlyHost;
  /** For steps and undo, which the signal never cuts short. */
  readonly stepReader: ReadonlyHost;
  readonly host: OpenHost;
  readonly store: Store;
  readonly remediators: readonly Remediator[];
  /** By name, remediators included. */
  readonly verifiers: ReadonlyMap<string, Verifier>;
  /** The name of the remediator that a record belongs to, by what these remediators claim. */
  readonly remediatorFor: (record: ProblemRecord) => string | undefined;
  readonly actions: ReadonlyMap<string, Action>;
  readonly redact: Redactor;
  readonly identity: ProcessIdentity;
  /** Of the call; one that is never aborted without a call. */
  readonly signal: AbortSignal;
  readonly patienceMs: number;
  readonly dossiers: string;
  /** RFC 3339. */
  at(): string;
  now(): Date;
  emit(event: RemediationEvent): void;
  point(name: string): Promise<void>;
}

export async function openEngineContext(options: EngineOptions): Promise<EngineContext> {
  const { ownIdentity } = await import('../../host/process-identity.ts');
  const now = options.now ?? (() => new Date());
  const { host, store } = options;
  const leases = { list: async () => store.leases((await host.reader.docker.info()).id).list() };
  const reader = { ...host.reader, leases, settings: options.settings ?? {} };
  return {
    reader,
    stepReader: reader,
    host,
    signal: host.reader.signal,
    store,
    remediators: options.remediators,
    verifiers: new Map([...options.verifiers, ...options.remediators].map((one) => [one.name, one])),
    remediatorFor: assignmentBy(options.remediators),
    actions: new Map(options.actions.map((action) => [action.name, action])),
    redact: redactor(() => host.secrets()),
    identity: await ownIdentity(),
    patienceMs: options.patienceMs ?? 60_000,
    dossiers: options.dossiers,
    at: () => now().toISOString(),
    now,
    emit: () => undefined,
    point: async (name) => options.atPoint?.(name),
  };
}

/** The engine for one call, with the call's own signal and listener. A signal it already has opens no second host. */
export function contextOfCall(engine: EngineContext, { signal, onEvent }: CallOptions): EngineContext {
  const isBound = signal === undefined || signal === engine.signal;
  return {
    ...engine,
    ...(isBound ? {} : { signal, reader: { ...engine.reader, ...engine.host.withSignal(signal).reader } }),
    ...(onEvent === undefined ? {} : { emit: onEvent }),
  };
}

/** Which of these remediators a record belongs to. Analyses and integration blocks describe a registry, not a problem. */
export function assignmentBy(
  remediators: readonly Pick<Remediator, 'name' | 'claims'>[],
): (record: ProblemRecord) => string | undefined {
  const classifier = createClassifier(
    Object.fromEntries(
      remediators.flatMap(({ name, claims }) => (claims === undefined ? [] : [[name, claims] as const])),
    ),
  );
  return (record) => (hasPriority(record) ? remediatorFor(record, classifier) : undefined);
}

export function actionNamed(session: EngineContext, name: string): Action {
  const action = session.actions.get(name);
  if (action === undefined) throw new ProblemsError('not-found', `There is no action ${name}.`);
  return action;
}

export function remediatorNamed(session: EngineContext, name: string): Remediator {
  const remediator = session.remediators.find((one) => one.name === name);
  if (remediator === undefined) throw new ProblemsError('not-found', `There is no remediator ${name}.`);
  return remediator;
}

export function verifierNamed(session: EngineContext, name: string): Verifier {
  const verifier = session.verifiers.get(name);
  if (verifier === undefined) throw new ProblemsError('not-found', `There is no remediator ${name}.`);
  return verifier;
}

/** What a step may do, and for how long: `over` says that its time is up, or its work done. */
export interface StepBounds {
  readonly over: AbortSignal;
  /** Aborted when the caller wants the run to stop: waits, helpers and drills of the step end. Undo has none. */
  readonly stop?: AbortSignal;
  /** Of `performance.now()`. */
  readonly until: number;
}

/** For what a helper has left to do when its time is up: its container is removed, and the step says why. */
const marginMs = 5_000;

/**
 * The host as actions get it: each change asks first whether the run still holds its locks, and whether the step that
 * makes it is not over. Helpers carry the run's labels, and end with their step.
 */
export function changingHost(session: EngineContext, run: RunContext, step?: StepBounds): Host {
  async function check(): Promise<void> {
    if (step?.over.aborted === true)
      throw new ProblemsError('step-refused', `A step of run ${run.id} is over: it changes nothing more.`);
    if (await session.store.locks.holds(run.id, run.token)) return;
    throw new ProblemsError('lock-held', `Run ${run.id} no longer holds its locks: another process has taken it over.`);
  }
  const { docker, sql, files, backups } = session.host.changer;
  const signals = [step?.over, step?.stop].filter((signal) => signal !== undefined);
  async function runHelper(spec: HelperSpec): Promise<HelperResult> {
    await check();
    const labelled = { ...spec, labels: { ...run.labels, ...spec.labels } };
    if (step === undefined) return docker.runHelper(labelled);
    const leftMs = Math.trunc(Math.max(1_000, step.until - performance.now() - marginMs));
    const signal = AbortSignal.any([...signals, ...(spec.signal === undefined ? [] : [spec.signal])]);
    return docker.runHelper({ ...labelled, timeoutMs: Math.min(spec.timeoutMs ?? 60_000, leftMs), signal });
  }
  return {
    ...session.stepReader,
    ...(step?.stop === undefined ? {} : { backups: session.reader.backups }),
    ...(signals.length === 0 ? {} : { signal: AbortSignal.any(signals) }),
    run,
    change: {
      docker: { ...guarded(docker, check), runHelper },
      sql: {
        ...guarded(sql, check),
        async openSession(instance, options) {
          await check();
          const opened = await sql.openSession(instance, options);
          return {
            ...opened,
            async query(text, values) {
              await check();
              return opened.query(text, values);
            },
          };
        },
      },
      files: guarded(files, check),
      backups: guarded(backups, check),
      leases: guarded(lateLeases(session), check),
    },
  };
}

/** Of the engine that answers when it is asked: a session without Docker never asks. */
function lateLeases({ stepReader, store }: EngineContext): LeaseChanger {
  async function leases(): Promise<LeaseChanger> {
    return store.leases((await stepReader.docker.info()).id);
  }
  return {
    take: async (request) => (await leases()).take(request),
    bind: async (port, instance) => (await leases()).bind(port, instance),
    release: async (port, instance) => (await leases()).release(port, instance),
    put: async (instance, lease) => (await leases()).put(instance, lease),
  };
}

function guarded<Methods extends object>(methods: Methods, check: () => Promise<void>): Methods {
  return new Proxy(methods, {
    get(target, name, receiver) {
      const method: unknown = Reflect.get(target, name, receiver);
      if (typeof method !== 'function') return method;
      return async (...args: readonly unknown[]): Promise<unknown> => {
        await check();
        const result: unknown = await Reflect.apply(method, target, args);
        return result;
      };
    },
  });
}
