import { existsSync } from 'node:fs';
import { bindCall, detect } from '../../app/remediation.ts';
import { ProblemsError } from '../../errors.ts';
import { errorText } from '../../util/text.ts';
import { version } from '../../version.ts';
import type { Service } from '../contract.ts';
import type { OperationSettings } from '../operations/context.ts';
import { createEngine, engineOpener, type ServiceEngine } from '../engines.ts';
import { uncheckedInstances } from '../instance-state.ts';
import { noRegistries, readRegistries } from '../registry-facts.ts';
import { newRound } from '../round-queue.ts';
import { serviceFile } from '../service-file.ts';
import { serviceSettings } from '../settings.ts';
import { openServiceStore } from '../store/store.ts';
import { trackFindings } from '../track-findings.ts';
import type { RoundView, ServiceEvent, TrackedFinding } from '../types.ts';

export interface LocalServiceOptions {
  readonly config: OperationSettings['project']['config'];
  readonly now: () => Date;
  /** What could not be done, as one sentence. */
  readonly onWarning: (text: string) => void;
}

/** How often the history of a service is read again. */
const followMs = 1_000;

interface Seen {
  readonly findings: readonly TrackedFinding[];
  readonly round: RoundView | null;
}

/**
 * What `problems mcp` asks: the history that a service has written, or writes while it runs, also one that starts later; rounds
 * only when an agent asks for one, and the engines opened when they are needed. It writes no history: service.db has one writer.
 * @throws ProblemsError `bad-config`, `state-damaged`, `state-locked`, `state-untrusted`.
 */
export async function localService({ config, now, onWarning }: LocalServiceOptions): Promise<Service> {
  const settings = serviceSettings(config);
  const file = await serviceFile(config);
  let isOfService = existsSync(file);
  let history = await openServiceStore(isOfService ? file : ':memory:');
  const stopping = new AbortController();
  const { signal } = stopping;
  const startedAt = now().toISOString();
  const open = engineOpener(config, settings.engines[0]?.name ?? '', now);
  const engines = settings.engines.map((engine) => createEngine(engine, open, undefined));
  const listeners = new Set<(event: ServiceEvent) => void>();
  const facts = await readRegistries(config, signal, now).catch((error: unknown) => {
    onWarning(`The registries could not be read: ${errorText(error)}`);
    return noRegistries;
  });
  /** What a round of this process has found, until a service that runs has made a newer one. */
  let own: Seen | undefined;
  let running: RoundView | null = null;
  let working: Promise<void> = Promise.resolve();

  function emit(event: ServiceEvent): void {
    for (const listener of listeners) listener(event);
  }

  function recorded(): Seen {
    return {
      findings: history.findings.list({ state: 'open', limit: 1_000 }),
      round: history.rounds.list(1)[0] ?? null,
    };
  }

  /** A service that runs writes its rounds into the same file, so the newer one counts. */
  function latest(): Seen {
    const [newest] = history.rounds.list(1);
    return own !== undefined && (newest?.endedAt ?? '') < (own.round?.endedAt ?? '') ? own : recorded();
  }

  let told = history.rounds.list(1)[0]?.id;

  /** Tells of what a service that runs has found: it is another process. */
  async function follow(): Promise<void> {
    if (!isOfService && existsSync(file)) {
      const nothing = history;
      history = await openServiceStore(file);
      isOfService = true;
      nothing.close();
    }
    const [newest] = history.rounds.list(1);
    if (newest === undefined || newest.id === told) return;
    told = newest.id;
    for (const finding of history.findings.list({ limit: 1_000 }))
      if (finding.lastSeen >= newest.startedAt || (finding.goneAt ?? '') >= newest.startedAt)
        emit({ type: 'finding', finding });
    emit({ type: 'round', round: newest });
  }
  const following = setInterval(() => {
    if (signal.aborted || running !== null) return;
    working = working.then(follow).catch((error: unknown) => {
      clearInterval(following);
      onWarning(`The history of the service is not read any more: ${errorText(error)}`);
    });
  }, followMs);

  async function checkEngine(engine: ServiceEngine, known: Seen['findings']) {
    const { name } = engine;
    const detected = await detect(bindCall(await engine.remediation(), { signal, problems: facts.problems }));
    const before = known.filter((one) => one.engine === name);
    const { changed } = trackFindings(name, before, detected, now().toISOString(), () => false);
    return { changed, notLookedAt: detected.notLookedAt.length };
  }

  async function check(round: RoundView): Promise<void> {
    let notLookedAt = 0;
    let { findings } = latest();
    const failures: string[] = [];
    for (const engine of engines)
      try {
        const seen = await checkEngine(engine, findings);
        notLookedAt += seen.notLookedAt;
        const ids = new Set(seen.changed.map(({ finding }) => finding.id));
        const others = findings.filter((one) => one.engine !== engine.name || !ids.has(one.finding.id));
        findings = [...others, ...seen.changed];
        for (const finding of seen.changed) emit({ type: 'finding', finding });
      } catch (error) {
        failures.push(errorText(error));
      }
    const count = findings.filter(({ goneAt }) => goneAt === null).length;
    const failure = failures.length === 0 ? null : failures.join(' ');
    const ended = { ...round, endedAt: now().toISOString(), findings: count, notLookedAt, failure };
    own = { findings, round: ended };
    running = null;
    emit({ type: 'round', round: ended });
  }

  return {
    get history() {
      return history;
    },
    view() {
      const instances = history.instances.list();
      const { findings, round } = latest();
      return {
        at: now().toISOString(),
        version,
        startedAt,
        state: signal.aborted ? 'stopping' : 'running',
        readOnly: false,
        paused: engines.map((engine) => engine.opened()?.policy.limits.paused).find((one) => one !== undefined) ?? null,
        engines: engines.map((engine) => engine.view()),
        instances,
        unchecked: uncheckedInstances(instances, settings.rounds, now()),
        findings,
        openRuns: [],
        backups: [],
        jobs: history.jobs.list(),
        alerts: history.alerts.open(),
        deliveries: [],
        lastRound: round,
        runningRound: running,
        lastLookAt: round?.endedAt ?? null,
        registry: facts.registry,
        creations: { started: 0, failed: 0 },
      };
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    publish: emit,
    requestRound() {
      if (running !== null) return running;
      const round = newRound(null, now());
      running = round;
      working = working.then(async () => check(round));
      return round;
    },
    async withRemediation(name, work) {
      const engine = engines.find((one) => one.name === name);
      if (engine === undefined) throw new ProblemsError('not-found', `There is no engine ${name}.`);
      const call = { signal, problems: facts.problems };
      return work(
        bindCall(await engine.remediation(), { ...call, onEvent: (event) => emit({ type: 'remediation', event }) }),
      );
    },
    async stop() {
      clearInterval(following);
      stopping.abort(new ProblemsError('interrupted', 'The client has gone.'));
      await working;
      for (const engine of engines) engine.close();
      history.close();
    },
  };
}
