import { bindCall, type DetectResult, type Remediation, resume } from '../app/remediation.ts';
import { creationOf, noteSamples } from '../app/samples.ts';
import { ProblemsError } from '../errors.ts';
import type { Instance } from '../host/instance.ts';
import type { RemediationEvent } from '../remediation/events.ts';
import { errorText } from '../util/text.ts';
import { reasonOf, type ServiceEngine } from './engines.ts';
import { type FullRound, fullRound } from './full-round.ts';
import type { Knowledge } from './knowledge.ts';
import { lookLightly } from './light-look.ts';
import type { RegistryFacts } from './registry-facts.ts';
import type { Clock } from './scheduler.ts';
import type { ServiceFile } from './store/store.ts';
import type { RoundView } from './types.ts';

/** How the service looks at its engines: lightly, at one instance after an event, and fully. */
export interface Rounds {
  /** All engines at the same time. @throws Error if none of them answers. */
  lookAtAll(): Promise<void>;
  /** At these instances of an engine, or at all. */
  lookAt(engine: ServiceEngine, only: ReadonlySet<string> | undefined): Promise<void>;
  /** Checks the round's instances with every remediator, and returns the round as it ended. */
  full(round: RoundView): Promise<RoundView>;
}

export interface RoundsOptions {
  readonly clock: Clock;
  readonly store: ServiceFile;
  readonly engines: readonly ServiceEngine[];
  readonly knowledge: Knowledge;
  readonly signal: AbortSignal;
  /** Changes nothing: interrupted runs stay as they are. */
  readonly readOnly: boolean;
  /** RFC 3339: containers that were created before were counted before. */
  readonly countFrom: string;
  readonly facts: () => RegistryFacts;
  /** Called with what an engine's part of a full round has found, and whether something is new or gone. */
  readonly onSeen: (engine: ServiceEngine, detected: DetectResult, isChanged: boolean) => void;
  /** What could not be done and does not end the round. */
  readonly onWarning: (text: string) => void;
  readonly listener: (engine: ServiceEngine) => (event: RemediationEvent) => void;
}

/** An engine that takes longer counts as away, so that its instances are `unknown` within a minute. */
const lookDeadlineMs = 20_000;

/** Every tenth look asks for the size of the databases. */
const sizesEvery = 10;

export function createRounds(options: RoundsOptions): Rounds {
  const { clock, store, engines, knowledge, signal, readOnly, countFrom, facts, onSeen, onWarning, listener } = options;
  const looks = new Map<string, number>();
  const counted = new Set<string>();
  const resumed = new Set<string>();
  const turns = new Map<string, Promise<unknown>>();

  function at(): string {
    return clock.now().toISOString();
  }

  /** Notes what a fresh container came to, once for each. */
  async function countCreations(remediation: Remediation, instances: readonly Instance[]): Promise<void> {
    const { session } = remediation;
    for (const { name, container } of instances) {
      if (counted.has(container.id)) continue;
      const creation = creationOf(name, container, instances.length - 1);
      if (creation.result === 'waiting') continue;
      counted.add(container.id);
      if (creation.createdAt < countFrom) continue;
      store.counters.add(`creations-${creation.result}`, 1);
      const engine = (await session.reader.docker.info()).id;
      await noteSamples(session.store, engine, { readings: [], creations: [creation], at: session.at() });
    }
  }

  /** One after the other for each engine, so that an older look never replaces a newer one. */
  function look(engine: ServiceEngine, only: ReadonlySet<string> | undefined): Promise<string | undefined> {
    const next = (turns.get(engine.name) ?? Promise.resolve()).then(async () => lookNow(engine, only));
    turns.set(engine.name, next);
    return next;
  }

  /** Returns why it could not; undefined if it did. */
  async function lookNow(engine: ServiceEngine, only: ReadonlySet<string> | undefined): Promise<string | undefined> {
    const late = new AbortController();
    const cancel = clock.after(lookDeadlineMs, () =>
      late.abort(
        new ProblemsError('engine-unreachable', `The engine did not answer within ${lookDeadlineMs / 1_000} s.`),
      ),
    );
    const count = looks.get(engine.name) ?? 0;
    if (only === undefined) looks.set(engine.name, count + 1);
    try {
      const remediation = bindCall(await engine.remediation(), { signal: AbortSignal.any([signal, late.signal]) });
      const seen = await lookLightly(remediation, {
        sizes: count % sizesEvery === 0,
        ...(only === undefined ? {} : { only }),
      });
      knowledge.look(engine.name, seen.looks, at(), only === undefined);
      engine.note({ reachable: true, reason: null, checkedAt: at() });
      await countCreations(remediation, seen.instances);
      return undefined;
    } catch (error) {
      if (signal.aborted) return undefined;
      const reason = reasonOf(error, engine.opened());
      knowledge.silence(engine.name, reason, at());
      engine.note({ reachable: false, reason, checkedAt: at() });
      return reason;
    } finally {
      cancel();
    }
  }

  /** Finishes the runs that an earlier process has left, once, before the first round of an engine. */
  async function resumeOnce(engine: ServiceEngine): Promise<void> {
    if (readOnly || resumed.has(engine.name)) return;
    const remediation = await engine.remediation();
    await resume(bindCall(remediation, { problems: facts().problems }), undefined, {
      signal,
      onEvent: listener(engine),
    });
    resumed.add(engine.name);
  }

  async function checkEngine(engine: ServiceEngine, instances: readonly string[] | null): Promise<FullRound> {
    try {
      await resumeOnce(engine);
    } catch (error) {
      if (signal.aborted) throw error;
      onWarning(`Runs of ${engine.name} could not be resumed: ${reasonOf(error, engine.opened())}`);
    }
    const call = { signal, problems: facts().problems, onEvent: listener(engine) };
    return instances === null
      ? fullRound(await engine.remediation(), call)
      : engine.only(instances, (remediation) => fullRound(remediation, call));
  }

  async function full(round: RoundView): Promise<RoundView> {
    const failures: string[] = [];
    let findings = 0;
    let notLookedAt = 0;
    async function one(engine: ServiceEngine): Promise<void> {
      const own = round.instances === null ? null : ownOf(engine, round.instances);
      if (own !== null && own.length === 0) return;
      try {
        const seen = await checkEngine(engine, own);
        const isChanged = knowledge.round(engine.name, seen, at(), facts().classOf);
        onSeen(engine, seen.detected, isChanged);
        if (seen.fleet !== undefined) engine.note({ budget: seen.fleet.host });
        findings += seen.detected.findings.length;
        notLookedAt += seen.detected.notLookedAt.length;
      } catch (error) {
        if (signal.aborted) throw error;
        failures.push(`${engine.name}: ${reasonOf(error, engine.opened())}`);
        notLookedAt += instancesOf(engine).length;
      } finally {
        store.engines.note(engine.view());
      }
    }
    const ended = await Promise.allSettled(engines.map(one));
    const interrupted = ended.find((result) => result.status === 'rejected');
    if (interrupted !== undefined) failures.push(errorText(interrupted.reason));
    const failure = failures.length < engines.length && interrupted === undefined ? null : failures.join(' ');
    // One engine of several is told by its own view.
    return { ...round, endedAt: at(), findings, notLookedAt, failure };
  }

  function instancesOf(engine: ServiceEngine): readonly string[] {
    return knowledge
      .instances(clock.now())
      .filter((view) => view.engine === engine.name)
      .map(({ instance }) => instance);
  }

  function ownOf(engine: ServiceEngine, instances: readonly string[]): readonly string[] {
    const own = instancesOf(engine);
    return instances.filter((name) => own.includes(name));
  }

  return {
    full,
    async lookAtAll() {
      const reasons = await Promise.all(engines.map(async (engine) => look(engine, undefined)));
      for (const engine of engines) store.engines.note(engine.view());
      const away = reasons.filter((reason) => reason !== undefined);
      if (away.length === engines.length && away.length > 0) throw new Error(away.join(' '));
    },
    async lookAt(engine, only) {
      await look(engine, only);
    },
  };
}
