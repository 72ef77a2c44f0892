import { availableParallelism, loadavg } from 'node:os';
import { bindCall } from '../app/remediation.ts';
import type { Config } from '../config/config.ts';
import { ProblemsError } from '../errors.ts';
import { ownIdentity } from '../host/process-identity.ts';
import { errorText } from '../util/text.ts';
import { version } from '../version.ts';
import type { Service } from './contract.ts';
import { createBackupJobs } from './backup-jobs.ts';
import { createEngine, engineOpener, type OpenEngine, type ServiceEngine } from './engines.ts';
import { createFollowUp } from './follow-up.ts';
import { followEvents } from './follow-events.ts';
import { uncheckedInstances } from './instance-state.ts';
import { createKnowledge } from './knowledge.ts';
import { watchRuns } from './watch-runs.ts';
import { noRegistries, readRegistries, type RegistryFacts } from './registry-facts.ts';
import { createRoundQueue } from './round-queue.ts';
import { createRounds } from './rounds.ts';
import { type Clock, createScheduler, type Job, systemClock } from './scheduler.ts';
import { serviceSettings } from './settings.ts';
import { dropOtherEngines, firstStartOf, serviceFile } from './service-file.ts';
import { openServiceStore } from './store/store.ts';
import type { RoundView, ServiceEvent, ServiceView } from './types.ts';

export interface ServiceOptions {
  /** As `loadConfig` returns it. It is read once: a change needs a restart. */
  readonly config: Config;
  /** Changes nothing: no repair, no resumed run, and nothing that someone could ask for. Default false. */
  readonly readOnly?: boolean;
  /** The address at which someone can ask it, for `problems status`; null: it does not listen. */
  readonly address?: string | null;
  /** What could not be done and does not end a round, as one sentence. */
  readonly onWarning?: (text: string) => void;
  /** For tests. */
  readonly clock?: Clock;
  /** For tests: instead of service.db in the folder of the state file. */
  readonly file?: string;
  /** For tests: instead of the engines' own journals and hosts. */
  readonly open?: OpenEngine;
}

const heartbeatMs = 15_000;
const thinMs = 3_600_000;

/**
 * Opens the service: it looks at once, finishes interrupted runs, and then goes on in rounds until `stop` is called. Returns as
 * soon as its file is open and locked.
 *
 * @example
 * const service = await openService({ config: await loadConfig(cwd) });
 * service.subscribe((event) => console.log(event.type));
 * await service.stop();
 * @throws ProblemsError `lock-held`: another service runs. `bad-config`, `state-damaged`, `state-locked`, `state-untrusted`,
 * `state-unwritable`.
 */
export async function openService(options: ServiceOptions): Promise<Service> {
  const { config, readOnly = false, address = null, clock = systemClock, onWarning = () => undefined } = options;
  const settings = serviceSettings(config);
  const store = await openServiceStore(options.file ?? (await serviceFile(config)));
  const startedAt = clock.now().toISOString();
  const owner = { ...(await ownIdentity()), startedAt, address, lookSeconds: settings.lookMs / 1_000 };
  try {
    await store.lock.take(owner, clock.now());
  } catch (error) {
    store.close();
    throw error;
  }

  const stopping = new AbortController();
  const { signal } = stopping;
  const listeners = new Set<(event: ServiceEvent) => void>();
  const working = new Set<Promise<unknown>>();
  const emit = (event: ServiceEvent): void => {
    for (const listener of listeners) listener(event);
  };

  const open = options.open ?? engineOpener(config, settings.engines[0]?.name ?? '', () => clock.now());
  const engines = settings.engines.map((engine) =>
    createEngine(
      engine,
      open,
      store.engines.list().find(({ name }) => name === engine.name),
    ),
  );
  dropOtherEngines(store, engines);
  // The last look counts until three more are overdue.
  const knowledge = createKnowledge({ store, emit, staleAfterMs: 3 * settings.lookMs + 15_000 });

  let state: ServiceView['state'] = 'starting';
  let facts: RegistryFacts = noRegistries;
  let last: RoundView | null = store.rounds.list(1)[0] ?? null;
  let lastLookAt: string | null = null;
  let thinnedAt = 0;

  const known = store.jobs.list();
  const firstStart = firstStartOf(store, clock.now());
  const runs = watchRuns({ engines, store, emit, signal, track });
  const followUp = createFollowUp({
    config,
    signal,
    facts: () => facts,
    now: () => clock.now(),
    listener: runs.listenTo,
  });
  const rounds = createRounds({
    clock,
    store,
    engines,
    knowledge,
    signal,
    readOnly,
    countFrom: known.find(({ name }) => name === 'light-look')?.lastStartedAt ?? firstStart,
    facts: () => facts,
    onSeen: followUp.noteRound,
    onWarning,
    listener: runs.listenTo,
  });

  function track(work: Promise<unknown>): void {
    const tracked: Promise<unknown> = work
      .catch((error: unknown) => onWarning(errorText(error)))
      .finally(() => working.delete(tracked));
    working.add(tracked);
  }

  async function look(): Promise<void> {
    try {
      await rounds.lookAtAll();
    } finally {
      if (!signal.aborted) {
        lastLookAt = clock.now().toISOString();
        await runs.refresh();
        if (clock.now().getTime() - thinnedAt > thinMs) {
          thinnedAt = clock.now().getTime();
          store.samples.thin(clock.now().toISOString());
        }
      }
    }
  }

  async function runRound(running: RoundView): Promise<RoundView> {
    emit({ type: 'round', round: running });
    try {
      facts = await readRegistries(config, signal, () => clock.now());
    } catch (error) {
      if (!signal.aborted) onWarning(`The registries could not be read: ${errorText(error)}`);
    }
    return rounds.full(running);
  }

  async function roundEnded(round: RoundView): Promise<void> {
    if (signal.aborted) return;
    last = round;
    store.rounds.note(round);
    emit({ type: 'round', round });
    await runs.refresh();
    track(afterRound());
  }

  const queue = createRoundQueue({
    clock,
    run: runRound,
    onEnded: roundEnded,
    onAll: () => track(scheduler.request('full-round')),
    onSome: track,
  });

  async function fullRound(): Promise<void> {
    const { failure } = await queue.all();
    if (failure !== null) throw new Error(failure);
  }

  /** A repair is believed when a round no longer finds its problem. */
  async function afterRound(): Promise<void> {
    if (settings.remediate === 'auto-only' && !readOnly) await scheduler.request('remediate');
    if (settings.record && !readOnly) await scheduler.request('record');
  }

  async function repair(): Promise<void> {
    if ((await followUp.repair()) > 0 && !signal.aborted) void scheduler.request('full-round');
  }

  const backups = createBackupJobs({
    clock,
    engines,
    signal,
    onProof: (proof) => knowledge.proof(proof),
    load: () => (loadavg()[0] ?? 0) / availableParallelism(),
  });
  // A check of a backup writes its result next to it.
  const unlessReadOnly = (schedule: string): string => (readOnly ? 'off' : schedule);
  const following = (isWanted: boolean): string => unlessReadOnly(isWanted ? 'after full-round' : 'off');
  const jobs: readonly Job[] = [
    { name: 'light-look', schedule: settings.look, run: look },
    { name: 'full-round', schedule: settings.rounds, atStart: true, run: fullRound },
    { name: 'verify-backups', schedule: unlessReadOnly(settings.backups.verify), run: backups.verify },
    { name: 'drill', schedule: unlessReadOnly(settings.backups.drill), run: backups.drill },
    { name: 'drill-archive', schedule: unlessReadOnly(settings.backups.archive), run: backups.drillArchive },
    { name: 'remediate', schedule: following(settings.remediate === 'auto-only'), run: repair },
    { name: 'record', schedule: following(settings.record), run: followUp.record },
  ];
  const scheduler = createScheduler({
    clock,
    jobs,
    before: known,
    firstStart,
    onJob(job) {
      if (signal.aborted) return;
      store.jobs.note(job);
      emit({ type: 'job', job });
    },
  });

  let cancelHeartbeat = clock.after(heartbeatMs, heartbeat);
  function heartbeat(): void {
    if (signal.aborted) return;
    store.lock.heartbeat(owner, clock.now());
    cancelHeartbeat = clock.after(heartbeatMs, heartbeat);
  }

  async function begin(): Promise<void> {
    // It is a look like the others: `status` says when it ended.
    await scheduler.request('light-look');
    if (signal.aborted) return;
    state = 'running';
    scheduler.start();
    for (const engine of engines)
      track(
        followEvents({
          clock,
          engine,
          signal,
          instanceOf: (container) => knowledge.instanceOf(engine.name, container),
          onLook: async (only) => rounds.lookAt(engine, only),
          onOom: (container) => knowledge.oomKilled(engine.name, container),
        }),
      );
  }
  track(begin());

  let ended: Promise<void> | undefined;
  async function end(): Promise<void> {
    state = 'stopping';
    cancelHeartbeat();
    stopping.abort(new ProblemsError('interrupted', 'The service is stopping.'));
    await scheduler.stop();
    while (working.size > 0) await Promise.all(working);
    for (const engine of engines) engine.close();
    store.lock.release(owner);
    store.close();
  }

  return {
    history: store,
    view() {
      const now = clock.now();
      const instances = knowledge.instances(now);
      return {
        at: now.toISOString(),
        version,
        startedAt,
        state,
        readOnly,
        paused: pausedIn(engines),
        engines: engines.map((engine) => engine.view()),
        instances,
        unchecked: uncheckedInstances(instances, settings.rounds, now),
        findings: knowledge.findings(now),
        openRuns: runs.open(),
        backups: knowledge.backups(),
        jobs: scheduler.views(),
        alerts: store.alerts.open(),
        deliveries: store.deliveries.list(100),
        lastRound: last,
        runningRound: queue.running(),
        lastLookAt,
        registry: facts.registry,
        creations: {
          started: store.counters.get('creations-started'),
          failed: store.counters.get('creations-failed'),
        },
      };
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    publish(event) {
      if (event.type === 'finding') knowledge.amend(event.finding);
      emit(event);
    },
    requestRound({ instances }) {
      if (signal.aborted) throw new ProblemsError('interrupted', 'The service is stopping.');
      return queue.request(instances);
    },
    async withRemediation(name, work) {
      if (signal.aborted) throw new ProblemsError('interrupted', 'The service is stopping.');
      const engine = engines.find((one) => one.name === name);
      if (engine === undefined)
        throw new ProblemsError('not-found', `There is no engine ${name}.`, {
          hint: `The config has: ${engines.map((one) => one.name).join(', ')}.`,
        });
      const call = { signal, onEvent: runs.listenTo(engine), problems: facts.problems };
      const result = engine.remediation().then(async (opened) => work(bindCall(opened, call)));
      // Its failure is the caller's to tell.
      track(
        result.then(
          () => undefined,
          () => undefined,
        ),
      );
      return result;
    },
    stop: () => (ended ??= end()),
  };
}

function pausedIn(engines: readonly ServiceEngine[]): string | null {
  for (const engine of engines) {
    const paused = engine.opened()?.policy.limits.paused;
    if (paused !== undefined) return paused;
  }
  return null;
}
