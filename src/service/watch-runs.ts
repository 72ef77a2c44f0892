import type { RunRecord } from '../app/remediation.ts';
import type { RemediationEvent } from '../remediation/events.ts';
import type { ServiceEngine } from './engines.ts';
import type { ServiceFile } from './store/store.ts';
import type { ServiceEvent } from './types.ts';

/** What is known of runs, from the journals, and what their events say. */
export interface WatchedRuns {
  /** Those that have not ended, or are stuck. Newest first. */
  open(): readonly RunRecord[];
  /** Reads the journals again: a command may have changed them. */
  refresh(): Promise<void>;
  /** For the calls of an engine: turns their events into those of the service. */
  readonly listenTo: (engine: ServiceEngine) => (event: RemediationEvent) => void;
}

export function watchRuns({
  engines,
  store,
  emit,
  signal,
  track,
}: {
  readonly engines: readonly ServiceEngine[];
  readonly store: Pick<ServiceFile, 'counters'>;
  readonly emit: (event: ServiceEvent) => void;
  readonly signal: AbortSignal;
  /** Waits for the work when the service stops. */
  readonly track: (work: Promise<unknown>) => void;
}): WatchedRuns {
  let open: readonly RunRecord[] = [];

  function listenTo(engine: ServiceEngine): (event: RemediationEvent) => void {
    const began = new Map<string, number>();
    return (event) => {
      emit({ type: 'remediation', event });
      if (event.type === 'check') {
        const { remediator, instance = '' } = event;
        const key = `${remediator}\0${instance}`;
        const from = began.get(key);
        if (event.state === 'started') began.set(key, performance.now());
        else if (from !== undefined)
          emit({ type: 'checked', instance, remediator, seconds: (performance.now() - from) / 1_000 });
      }
      if (event.type === 'run') track(noteRun(engine, event));
    };
  }

  async function noteRun(engine: ServiceEngine, event: RemediationEvent & { readonly type: 'run' }): Promise<void> {
    const run = await engine.opened()?.session.store.runs.get(event.run);
    await refresh();
    if (run === undefined || event.outcome === undefined) return;
    emit({
      type: 'run-ended',
      run: run.id,
      remediator: run.plan.remediator,
      outcome: event.outcome,
      downtimeSeconds: run.downtimeMs === null ? null : run.downtimeMs / 1_000,
    });
  }

  async function refresh(): Promise<void> {
    const lists = engines.map(async (engine) => {
      const session = engine.opened()?.session;
      return session === undefined ? [] : session.store.runs.pending(session.project);
    });
    open = (await Promise.all(lists)).flat();
    if (signal.aborted) return;
    setCounter('runs-waiting', open.filter(({ phase }) => phase === 'awaiting-approval').length);
    setCounter('runs-stuck', open.filter(({ outcome }) => outcome === 'stuck').length);
  }

  /** For `problems status`, which reads the file alone. */
  function setCounter(name: string, value: number): void {
    const before = store.counters.get(name);
    if (before !== value) store.counters.add(name, value - before);
  }

  return { open: () => open, refresh, listenTo };
}
