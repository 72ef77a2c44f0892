import type { Config } from '../config/config.ts';
import { ProblemsError } from '../errors.ts';
import type { RemediationEvent } from '../remediation/events.ts';
import type { RunReport } from '../remediation/run-report.ts';
import { defaultLease } from '../swarm/bounds.ts';
import type { Claim, Swarm } from '../swarm/swarm.ts';
import type { ClaimRequest, Report, Settled, SyncResult } from '../swarm/types.ts';
import { type Release, work, type Worked } from '../swarm/work.ts';
import { holdEngine, hostName } from './hold-engine.ts';
import type { Remediation } from './open-remediation.ts';
import type { RecordedResults } from './record-results.ts';
import type { RepairContext } from './repair-task.ts';
import { engineName } from './state-file.ts';
import { errorText } from '../util/text.ts';

/** What a worker does, as it happens. New types may be added, so ignore the ones you do not know. */
export type WorkEvent =
  /** The registries were read, and changed the queue. */
  | { readonly type: 'synced'; readonly result: SyncResult }
  /** Another host works on this engine, until its lease ends or it stops. */
  | { readonly type: 'engine-held'; readonly engine: string; readonly by: string; readonly leaseUntil: string }
  /** Runs that a killed process has left could not be finished now. It is tried again within a minute. */
  | { readonly type: 'not-resumed'; readonly reason: string }
  | { readonly type: 'claimed'; readonly claim: Claim }
  | { readonly type: 'progress'; readonly event: RemediationEvent }
  | { readonly type: 'run'; readonly report: RunReport }
  | { readonly type: 'recorded'; readonly results: RecordedResults }
  | {
      readonly type: 'settled';
      readonly claim: Claim;
      readonly report: Report | Release;
      readonly settled: Settled;
    };

/** What a worker needs of a queue; `openSwarm` returns one. */
export interface RepairQueue extends Pick<Swarm, 'claim' | 'holdEngine'> {
  /** Absolute: the project, whose registries are read and edited. */
  readonly folder: string;
  syncProject(): Promise<SyncResult>;
}

export interface RepairWorkOptions {
  /** Name of the worker, the same every time: at most 200 characters. */
  readonly worker: string;
  /** As `loadConfig` returns it; `remediation` was opened with it. */
  readonly config: Config;
  /** Opened for the same project. Its remediators are the tasks that the worker takes. */
  readonly remediation: Remediation;
  /** Ends the work at the next safe point; a task that has not begun is released. */
  readonly signal?: AbortSignal;
  /** Ends when there is nothing to take now. */
  readonly once?: boolean;
  /** Whether outcomes are written into the registries. Default: true. */
  readonly records?: boolean;
  /** Seconds of a claim and of the engine, unless they are renewed, as they are three times within that. Default 60. */
  readonly lease?: number;
  /** Seconds between two looks at an empty queue. Default 5. */
  readonly pause?: number;
  readonly now?: () => Date;
  readonly onEvent?: (event: WorkEvent) => void;
}

/** The registries are read again after so long, and after each task; an idle worker looks for interrupted runs so often. */
const freshMs = 60_000;

/**
 * Takes the tasks of remediators for the engine that this machine reaches, and repairs, one task after the other: interrupted
 * runs first, each effect once, whichever worker was killed before. While it has no task it looks for such runs every minute. The workers of one host at a time do so for an engine.
 *
 * @example
 * const config = await loadConfig(cwd);
 * const swarm = await openSwarm({ cwd, config });
 * const { folder, plugins } = config;
 * const remediation = await openRemediation({ folder, config: config.remediation, plugins });
 * await workOnRepairs(swarm, { worker: 'host-1', config, remediation, once: true });
 * @throws ProblemsError `engine-unreachable`, when it begins; `lock-held`: with `once`, another host works on the engine.
 * What the store and `syncProject` throw.
 */
export async function workOnRepairs(swarm: RepairQueue, options: RepairWorkOptions): Promise<Worked> {
  const { remediation, config, worker, lease = defaultLease, once = false, records = true, pause } = options;
  const { signal: stop = new AbortController().signal, now = () => new Date(), onEvent = () => undefined } = options;
  const { repairTask, resumeRuns } = await import('./repair-task.ts');
  const engine = engineName((await remediation.session.reader.docker.info()).id);
  const hold = holdEngine(swarm, engine, hostName(remediation), lease);
  let isHeld = true;
  let freshUntil = 0;
  let resumedUntil = 0;

  async function mayWork(): Promise<boolean> {
    const answer = await hold.take();
    if (!answer.held && once)
      throw new ProblemsError('lock-held', `${answer.by} works on the engine ${engine}, until ${answer.leaseUntil}.`, {
        hint: 'One host at a time repairs on an engine. Stop its workers, and wait until then.',
      });
    if (!answer.held && isHeld) onEvent({ type: 'engine-held', engine, by: answer.by, leaseUntil: answer.leaseUntil });
    isHeld = answer.held;
    return isHeld;
  }

  async function readRegistries(): Promise<void> {
    if (performance.now() < freshUntil) return;
    const result = await swarm.syncProject();
    freshUntil = performance.now() + freshMs;
    const { unchanged: _, ...changes } = result;
    if (Object.values(changes).some((ids) => ids.length > 0)) onEvent({ type: 'synced', result });
  }

  /** Whoever takes a task finishes interrupted runs first; without one, that is still to be done. */
  async function resumeLeft(): Promise<void> {
    if (performance.now() < resumedUntil) return;
    resumedUntil = performance.now() + freshMs;
    try {
      await resumeRuns(contextOf(AbortSignal.any([stop, hold.lost()])));
    } catch (error) {
      onEvent({ type: 'not-resumed', reason: errorText(error) });
    }
  }

  async function claim(request: ClaimRequest): Promise<Claim | undefined> {
    if (!(await mayWork())) return undefined;
    await readRegistries();
    const taken = await swarm.claim(request);
    if (taken === undefined) await resumeLeft();
    return taken;
  }

  function contextOf(signal: AbortSignal, onProgress: (progress: string) => void = () => undefined): RepairContext {
    return {
      remediation,
      config,
      folder: swarm.folder,
      signal,
      now,
      records,
      onEvent(event) {
        remediation.session.emit(event);
        onEvent({ type: 'progress', event });
        const progress = progressText(event);
        if (progress !== undefined) onProgress(progress);
      },
      onReport: (report) => onEvent({ type: 'run', report }),
      onRecorded: (results) => onEvent({ type: 'recorded', results }),
    };
  }

  async function run(taken: Claim): Promise<Report | Release> {
    const context = contextOf(AbortSignal.any([stop, hold.lost()]), (progress) => {
      // Shown by `problems tasks`; the claim renews its lease by itself.
      taken.heartbeat(progress).catch(() => undefined);
    });
    return repairTask(taken, context);
  }

  const handlers = remediation.session.remediators.map(({ name }) => name);
  try {
    return await work(
      { claim },
      {
        worker,
        handlers,
        engines: [engine],
        lease,
        once,
        signal: stop,
        run,
        ...(pause === undefined ? {} : { pause }),
        onClaimed: (taken) => onEvent({ type: 'claimed', claim: taken }),
        onSettled(taken, report, settled) {
          freshUntil = 0;
          onEvent({ type: 'settled', claim: taken, report, settled });
        },
      },
    );
  } finally {
    hold.end();
  }
}

function progressText(event: RemediationEvent): string | undefined {
  if (event.type === 'step') return `${event.state} step ${event.index + 1} of ${event.of}: ${event.what}`;
  return event.type === 'run' ? `run ${event.run}: ${event.phase}` : undefined;
}
