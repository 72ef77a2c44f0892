import { ProblemsError } from '../../errors.ts';
import type { HelperResult, HelperSpec } from '../../host/docker/types.ts';
import { hasPriority } from '../../priority/record-text.ts';
import type { ProblemRecord } from '../../registry/record.ts';
import { claimsOf, createClassifier, remediatorFor } from '../../tasks/classify.ts';
import { compareBy } from '../../util/compare.ts';
import type { Json } from '../../util/json.ts';
import type {
  Action,
  ExpectedInstance,
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
import type { ProcessIdentity, SeenInstances, Store } from '../store/store.ts';
import { ownIdentity } from '../../host/process-identity.ts';

export interface EngineOptions {
  readonly host: OpenHost;
  readonly store: Store;
  /** The absolute path of the project's folder: of instances that were seen before, only its own are missed. */
  readonly project: string;
  readonly remediators: readonly Remediator[];
  /** For requested work. Remediators verify their own plans. */
  readonly verifiers: readonly Verifier[];
  readonly actions: readonly Action[];
  /** From the config, by remediator name. */
  readonly settings?: Readonly<Record<string, Json>>;
  /** Names of instances that the config expects. */
  readonly expect?: readonly string[];
  /** Only these instances are expected. Default: all. */
  readonly only?: readonly string[];
  readonly now?: () => Date;
  /** Called between any two writes of the journal, for tests that kill the process there. */
  readonly atPoint?: (name: string) => void | Promise<void>;
  /** Directory for escalation reports. */
  readonly dossiers: string;
  /** How long a run waits for an engine that does not answer. Default 60,000. */
  readonly patienceMs?: number;
}

/** Everything that one call uses. */
export interface EngineContext {
  /** For checks, plans and verification; its calls reject when the call's signal is aborted. */
  readonly reader: ReadonlyHost;
  /** For steps and undo, which the signal never cuts short. */
  readonly stepReader: ReadonlyHost;
  readonly host: OpenHost;
  readonly store: Store;
  /** The absolute path of the project's folder. */
  readonly project: string;
  /** Those of the project. */
  readonly seenInstances: SeenInstances;
  readonly remediators: readonly Remediator[];
  /** By name, remediators included. */
  readonly verifiers: ReadonlyMap<string, Verifier>;
  /** The name of the remediator whose claims match a record. */
  readonly remediatorFor: (record: ProblemRecord) => string | undefined;
  readonly actions: ReadonlyMap<string, Action>;
  readonly redact: Redactor;
  readonly identity: ProcessIdentity;
  /** The call's signal; outside a call, one that is never aborted. */
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
  const now = options.now ?? (() => new Date());
  const { host, store } = options;
  const leases = { list: async () => store.leases((await host.reader.docker.info()).id).list() };
  const reader = {
    ...host.reader,
    leases,
    settings: options.settings ?? {},
    expected: () => expectedInstances(options),
  };
  return {
    reader,
    stepReader: reader,
    host,
    signal: host.reader.signal,
    store,
    project: options.project,
    seenInstances: store.instances(options.project),
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

/** The first reason why an instance is expected is the one that is given. */
async function expectedInstances({
  host,
  store,
  project,
  expect = [],
  only,
}: EngineOptions): Promise<readonly ExpectedInstance[]> {
  const declared = await host.reader.declaredInstances();
  const seen = await store.instances(project).list();
  const reasons = new Map<string, string>();
  for (const { instance, at } of seen) reasons.set(instance, `it was there at ${at}`);
  for (const name of declared) reasons.set(name, 'it has an instance.conf');
  for (const name of expect) reasons.set(name, 'the config expects it');
  return [...reasons]
    .filter(([name]) => only === undefined || only.includes(name))
    .map(([name, because]) => ({ name, because }))
    .toSorted(compareBy(({ name }) => name));
}

/** The engine for one call, with the call's signal and listener. Reuses the host if the signal is the same. */
export function contextOfCall(engine: EngineContext, { signal, onEvent }: CallOptions): EngineContext {
  const isBound = signal === undefined || signal === engine.signal;
  return {
    ...engine,
    ...(isBound ? {} : { signal, reader: { ...engine.reader, ...engine.host.withSignal(signal).reader } }),
    ...(onEvent === undefined ? {} : { emit: onEvent }),
  };
}

/** Assigns records to these remediators. Analyses and integration blocks describe a registry, so they have none. */
export function assignmentBy(
  remediators: readonly Pick<Remediator, 'name' | 'claims'>[],
): (record: ProblemRecord) => string | undefined {
  const classifier = createClassifier(claimsOf(remediators));
  return (record) => (hasPriority(record) ? remediatorFor(record, classifier) : undefined);
}

export function actionNamed(session: EngineContext, name: string): Action {
  const action = session.actions.get(name);
  if (action === undefined) throw new ProblemsError('not-found', `Unknown action ${name}.`);
  return action;
}

export function remediatorNamed(session: EngineContext, name: string): Remediator {
  const remediator = session.remediators.find((one) => one.name === name);
  if (remediator === undefined) throw new ProblemsError('not-found', `Unknown remediator ${name}.`);
  return remediator;
}

export function verifierNamed(session: EngineContext, name: string): Verifier {
  const verifier = session.verifiers.get(name);
  if (verifier === undefined) throw new ProblemsError('not-found', `Unknown remediator ${name}.`);
  return verifier;
}

/** Limits of a step. `over` is aborted when its time is up or its work is done. */
export interface StepBounds {
  readonly over: AbortSignal;
  /** Aborted when the caller stops the run: ends waits, helpers and drills of the step. Undo has none. */
  readonly stop?: AbortSignal;
  /** A time of `performance.now()`. */
  readonly until: number;
}

/** Time left to remove a helper's container and report why, before the step's deadline. */
const marginMs = 5_000;

/**
 * The host as actions see it. Before each change it checks that the run still holds its locks and that the step has not
 * ended. Helpers carry the run's labels and end with their step.
 */
export function changingHost(session: EngineContext, run: RunContext, step?: StepBounds): Host {
  async function check(): Promise<void> {
    if (step?.over.aborted === true)
      throw new ProblemsError('step-refused', `A step of run ${run.id} has ended and must not change anything.`);
    if (await session.store.locks.holds(run.id, run.token)) return;
    throw new ProblemsError('lock-held', `Run ${run.id} has lost its locks: another process has taken it over.`);
  }
  const { docker, sql, files, compose, backups } = session.host.changer;
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
      compose: guarded(compose, check),
      backups: guarded(backups, check),
      leases: guarded(lateLeases(session), check),
    },
  };
}

/** Asks for the engine only when a lease changes, so a session without Docker can be opened. */
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
