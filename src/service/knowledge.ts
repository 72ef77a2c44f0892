import { compareBy, compareText } from '../util/compare.ts';
import type { FullRound } from './full-round.ts';
import { afterLook, afterSilence, asOf, missedChecks, sampleOf, unseen } from './instance-state.ts';
import type { ContainerFacts, Look } from './light-look.ts';
import type { ServiceFile } from './store/store.ts';
import { trackFindings } from './track-findings.ts';
import {
  type BackupProof,
  type BackupsView,
  type InstanceView,
  type ServiceEvent,
  severities,
  type TrackedFinding,
} from './types.ts';

/** What is known of instances and findings: in memory, and in service.db as it changes. */
export interface Knowledge {
  instances(now: Date): readonly InstanceView[];
  /** Open ones, and those that went within the last 24 h. */
  findings(now: Date): readonly TrackedFinding[];
  backups(): readonly BackupsView[];
  /** After a look at all instances, those that nothing expects any more are dropped: `missing` says who is expected. */
  look(engine: string, looks: readonly Look[], at: string, isWhole: boolean): void;
  /** The engine does not answer. */
  silence(engine: string, reason: string, at: string): void;
  /** Returns whether something is new or gone. */
  round(engine: string, round: FullRound, at: string, classOf: (finding: TrackedFinding) => string): boolean;
  oomKilled(engine: string, container: string): void;
  /** The instance that a container was at the last look. */
  instanceOf(engine: string, container: string): string | undefined;
  proof(proof: BackupProof): void;
  /** What someone has said of a finding: that they know it, or that nothing shall tell of it. */
  amend(finding: TrackedFinding): void;
}

interface Options {
  readonly store: ServiceFile;
  readonly emit: (event: ServiceEvent) => void;
  readonly staleAfterMs: number;
}

const dayMs = 86_400_000;

/** More findings than a page can show are still counted by the journal of `detect`. */
const mostFindings = 5_000;

const levels = ['L0', 'L1', 'L2', 'L3', 'L4', 'L5', 'L6'] as const;

export function createKnowledge({ store, emit, staleAfterMs }: Options): Knowledge {
  const instances = new Map(store.instances.list().map((view) => [keyOf(view.engine, view.instance), view]));
  const findings = new Map(
    [
      ...store.findings.list({ state: 'open', limit: mostFindings }),
      ...store.findings.list({ state: 'gone', limit: mostFindings }),
    ].map((tracked) => [keyOf(tracked.engine, tracked.finding.id), tracked]),
  );
  const containers = new Map<string, ContainerFacts>();
  const backups = new Map<string, BackupsView>();
  const proofs = new Map(store.proofs.since('').map((proof) => [keyOf(proof.engine, proof.backup), proof]));

  function put(view: InstanceView): void {
    instances.set(keyOf(view.engine, view.instance), view);
    store.instances.note(view);
    emit({ type: 'instance', instance: view });
  }

  function viewOf(engine: string, instance: string, at: string): InstanceView {
    return instances.get(keyOf(engine, instance)) ?? unseen(engine, instance, at);
  }

  function of(engine: string): readonly InstanceView[] {
    return [...instances.values()].filter((view) => view.engine === engine);
  }

  function forget(engine: string, instance: string): void {
    instances.delete(keyOf(engine, instance));
    containers.delete(keyOf(engine, instance));
    for (const [key, one] of findings)
      if (one.engine === engine && one.finding.instance === instance) findings.delete(key);
    store.instances.forget(engine, instance);
  }

  function noteFindings(
    engine: string,
    round: FullRound,
    at: string,
    classOf: (finding: TrackedFinding) => string,
  ): boolean {
    const known = [...findings.values()].filter((one) => one.engine === engine);
    const present = new Set(of(engine).map(({ instance }) => instance));
    const { changed, returned, gone } = trackFindings(
      engine,
      known,
      round.detected,
      at,
      (instance) => !present.has(instance),
    );
    for (const tracked of changed) {
      findings.set(keyOf(engine, tracked.finding.id), tracked);
      store.findings.note(tracked);
      emit({ type: 'finding', finding: tracked });
    }
    for (const one of gone)
      emit({
        type: 'repaired',
        class: classOf(one),
        seconds: (Date.parse(at) - Date.parse(one.firstSeen)) / 1_000,
      });
    for (const one of returned) emit({ type: 'recurred', class: classOf(one) });
    return changed.some(({ goneAt, firstSeen }) => goneAt !== null || firstSeen === at);
  }

  function noteProof(proof: BackupProof): void {
    proofs.set(keyOf(proof.engine, proof.backup), proof);
    store.proofs.note(proof);
    emit({ type: 'proof', proof });
  }

  /** Backups as they are now; a level that someone else has proven since is noted too. */
  function noteBackups(engine: string, { backups: judged }: FullRound, at: string): void {
    if (judged === undefined) return;
    for (const verdict of judged.verdicts) {
      const { instance } = verdict;
      const own = judged.backups.filter((one) => one.instance === instance);
      const drills = own
        .flatMap(({ verification }) => verification?.checks ?? [])
        .filter(({ level, result }) => (level === 'L4' || level === 'L5') && result !== 'impossible')
        .toSorted(compareBy((check) => check.at));
      const last = drills.at(-1);
      backups.set(keyOf(engine, instance), {
        engine,
        instance,
        backups: own,
        repositories: judged.repositories ?? [],
        verdict,
        lastDrill:
          last === undefined ? null : { at: last.at, passed: last.result === 'passed', seconds: last.ms / 1_000 },
      });
      for (const { ref, reached, verdict: state } of own) {
        const level = reached === null ? -1 : levels.indexOf(reached);
        const before = proofs.get(keyOf(engine, ref));
        if (before?.level === level && before.verdict === state) continue;
        noteProof({ engine, instance, backup: ref, at, level, verdict: state, restoreSeconds: null });
      }
    }
  }

  return {
    instances: (now) =>
      [...instances.values()]
        .map((view) => asOf(view, now, staleAfterMs))
        .toSorted((a, b) => compareText(a.engine, b.engine) || compareText(a.instance, b.instance)),
    findings: (now) =>
      [...findings.values()]
        .filter(({ goneAt }) => goneAt === null || now.getTime() - Date.parse(goneAt) < dayMs)
        .toSorted(compareBy(sortKey)),
    backups: () => [...backups.values()].toSorted(compareBy(({ engine, instance }) => keyOf(engine, instance))),
    look(engine, looks, at, isWhole) {
      for (const look of looks) {
        const key = keyOf(engine, look.instance);
        const view = afterLook(viewOf(engine, look.instance, at), look, containers.get(key), at);
        if (look.container !== null) containers.set(key, look.container);
        put(view);
        const open = [...findings.values()].filter(
          (one) => one.engine === engine && one.finding.instance === look.instance && one.goneAt === null,
        );
        store.samples.note(
          engine,
          look.instance,
          sampleOf(view, view.fullyCheckedAt === null ? null : open.length, at),
        );
      }
      if (!isWhole) return;
      for (const { instance } of of(engine))
        if (!looks.some((look) => look.instance === instance)) forget(engine, instance);
    },
    silence(engine, reason, at) {
      for (const view of of(engine)) {
        const silent = afterSilence(view, reason, at);
        put(silent);
        store.samples.note(engine, view.instance, { ...sampleOf(silent, null, at), memoryUsage: null });
      }
    },
    round(engine, round, at, classOf) {
      const isChanged = noteFindings(engine, round, at, classOf);
      noteBackups(engine, round, at);
      const { detected, fleet } = round;
      const asked = new Set([...detected.lookedAt, ...detected.notLookedAt].map(({ instance }) => instance));
      for (const view of of(engine)) {
        const { instance } = view;
        const checked = detected.lookedAt.find((one) => one.instance === instance);
        if (checked === undefined && !asked.has(instance)) continue;
        const notLookedAt = detected.notLookedAt.filter((one) => one.instance === instance || one.instance === null);
        const isFull = checked !== undefined && missedChecks({ notLookedAt }).length === 0;
        const memory = fleet?.instances.find((one) => one.instance === instance);
        put({
          ...view,
          notLookedAt,
          fullyCheckedAt: isFull ? at : view.fullyCheckedAt,
          clients: round.clients.get(instance) ?? [],
          backups: backups.get(keyOf(engine, instance))?.verdict ?? view.backups,
          memory: { ...view.memory, worstCase: memory?.worstCase ?? view.memory.worstCase },
        });
      }
      return isChanged;
    },
    oomKilled(engine, container) {
      const instance = [...containers].find(([, facts]) => facts.id === container)?.[0];
      const view = instance === undefined ? undefined : instances.get(instance);
      if (view?.engine === engine) put({ ...view, oomKills: view.oomKills + 1 });
    },
    instanceOf(engine, container) {
      const key = [...containers].find(([, facts]) => facts.id === container)?.[0];
      const view = key === undefined ? undefined : instances.get(key);
      return view?.engine === engine ? view.instance : undefined;
    },
    proof: noteProof,
    amend({ engine, finding: { id }, acknowledged, silencedUntil }) {
      const before = findings.get(keyOf(engine, id));
      if (before === undefined) return;
      findings.set(keyOf(engine, id), { ...before, acknowledged, silencedUntil });
      store.findings.note({ ...before, acknowledged, silencedUntil });
    },
  };
}

function keyOf(engine: string, name: string): string {
  return `${engine}\0${name}`;
}

/** The most severe first. */
function sortKey({ goneAt, finding, severity }: TrackedFinding): string {
  return [goneAt === null ? 0 : 1, severities.indexOf(severity), finding.instance, finding.id].join('\0');
}
