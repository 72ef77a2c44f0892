import { Cron } from 'croner';
import { ProblemsError } from '../errors.ts';
import { errorText } from '../util/text.ts';
import type { JobName, JobView } from './types.ts';

/** The time, and timers: tests have their own. */
export interface Clock {
  now(): Date;
  /** Calls `work` once, after so many milliseconds. Returns the function that cancels it. */
  after(ms: number, work: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => new Date(),
  after(ms, work) {
    const timer = setTimeout(work, ms);
    return () => clearTimeout(timer);
  },
};

export interface Job {
  readonly name: JobName;
  /** An interval (`30s`, `5m`, `2h`), a cron pattern in UTC, `off`, or a text that says what it follows. */
  readonly schedule: string;
  /** Runs when the scheduler starts, whether or not it was missed. */
  readonly atStart?: true;
  /** Rejects if it failed; the scheduler goes on. */
  run(): Promise<void>;
}

export interface Scheduler {
  /** Starts the timers. What was missed while no service ran runs once, now. */
  start(): void;
  /** Runs a job now. If it runs already, waits for that, and runs it once more after it, for all who asked meanwhile. */
  request(name: JobName): Promise<void>;
  views(): readonly JobView[];
  /** Cancels the timers, and waits for the jobs that run. */
  stop(): Promise<void>;
}

export interface SchedulerOptions {
  readonly clock: Clock;
  readonly jobs: readonly Job[];
  /** What is known of earlier runs. */
  readonly before: readonly JobView[];
  /** When the service first ran here. RFC 3339. */
  readonly firstStart: string;
  readonly onJob: (job: JobView) => void;
}

/** Timers of Node end at 2^31 ms. */
const longestTimerMs = 86_400_000;

/**
 * Runs jobs by interval or by calendar. A job that still runs when it is due again is not started a second time, and one that
 * fails is started again when it is next due.
 */
export function createScheduler({ clock, jobs, before, firstStart, onJob }: SchedulerOptions): Scheduler {
  const views = new Map<JobName, JobView>(jobs.map((job) => [job.name, { ...viewOf(job, before), nextAt: null }]));
  const running = new Map<JobName, Promise<void>>();
  const again = new Map<JobName, Promise<void>>();
  const timers = new Map<JobName, () => void>();
  let stopped = false;

  function change(name: JobName, changed: Partial<JobView>): void {
    const view = views.get(name);
    if (view === undefined) return;
    const next = { ...view, ...changed };
    views.set(name, next);
    onJob(next);
  }

  function run(job: Job): Promise<void> {
    const known = running.get(job.name);
    if (known !== undefined) return known;
    change(job.name, { lastStartedAt: clock.now().toISOString() });
    const work = job
      .run()
      .then(
        () => null,
        (error: unknown) => errorText(error),
      )
      .then((lastFailure) => {
        running.delete(job.name);
        change(job.name, { lastEndedAt: clock.now().toISOString(), lastFailure });
      });
    running.set(job.name, work);
    return work;
  }

  function arm(job: Job): void {
    const next = nextRun(job.schedule, clock.now());
    if (next === undefined || stopped) return;
    change(job.name, { nextAt: next.toISOString() });
    armUntil(job, next);
  }

  function armUntil(job: Job, next: Date): void {
    const ms = next.getTime() - clock.now().getTime();
    const cancel = clock.after(Math.min(Math.max(ms, 0), longestTimerMs), () => {
      if (stopped) return;
      if (ms > longestTimerMs) {
        armUntil(job, next);
        return;
      }
      arm(job);
      void run(job);
    });
    timers.set(job.name, cancel);
  }

  return {
    start() {
      const now = clock.now();
      for (const job of jobs) {
        const due = job.atStart === true || wasMissed(job.schedule, views.get(job.name), firstStart, now);
        arm(job);
        if (due) void run(job);
      }
    },
    request(name) {
      const job = jobs.find((one) => one.name === name);
      if (job === undefined || stopped) return Promise.resolve();
      const now = running.get(name);
      if (now === undefined) return run(job);
      const waiting = again.get(name);
      if (waiting !== undefined) return waiting;
      const next = now.then(() => {
        again.delete(name);
        return stopped ? undefined : run(job);
      });
      again.set(name, next);
      return next;
    },
    views: () => [...views.values()],
    async stop() {
      stopped = true;
      for (const cancel of timers.values()) cancel();
      await Promise.all([...running.values(), ...again.values()]);
    },
  };
}

function viewOf({ name, schedule }: Job, before: readonly JobView[]): JobView {
  const known = before.find((one) => one.name === name);
  return {
    name,
    lastStartedAt: known?.lastStartedAt ?? null,
    lastEndedAt: known?.lastEndedAt ?? null,
    lastFailure: known?.lastFailure ?? null,
    schedule,
    nextAt: null,
  };
}

/** Whether a job of the calendar was due while no service ran. Intervals have `atStart`. */
function wasMissed(schedule: string, view: JobView | undefined, firstStart: string, now: Date): boolean {
  if (intervalMs(schedule) !== undefined) return false;
  const due = nextRun(schedule, new Date(view?.lastStartedAt ?? firstStart));
  return due !== undefined && due <= now;
}

/** Undefined: it has no time of its own. */
export function nextRun(schedule: string, from: Date): Date | undefined {
  const interval = intervalMs(schedule);
  if (interval !== undefined) return new Date(from.getTime() + interval);
  return /^[\d*]/.test(schedule) ? (new Cron(schedule, { timezone: 'UTC' }).nextRun(from) ?? undefined) : undefined;
}

/** @throws ProblemsError `bad-config`: neither an interval, nor a cron pattern, nor `off`. */
export function checkSchedule(schedule: string, key: string): void {
  if (schedule === 'off' || intervalMs(schedule) !== undefined) return;
  try {
    // Seconds would start a round before the last one has ended.
    if (schedule.trim().split(/\s+/).length !== 5) throw new Error('it does not have five fields');
    if (!/^[\d*]/.test(schedule) || new Cron(schedule, { timezone: 'UTC' }).nextRun() === null)
      throw new Error('it is never due');
  } catch (error) {
    throw new ProblemsError('bad-config', `${key}: ${schedule} cannot be used as a schedule: ${errorText(error)}`, {
      hint: "Use an interval such as 5m, five fields of cron such as '30 2 * * *' (in UTC), or off.",
      cause: error,
    });
  }
}

/** `30s`, `5m`, `2h` in milliseconds; undefined if it is no interval. */
export function intervalMs(text: string): number | undefined {
  const [, count, unit] = /^([1-9]\d{0,4})(s|m|h)$/.exec(text) ?? [];
  if (count === undefined) return undefined;
  return Number(count) * (unit === 's' ? 1_000 : unit === 'm' ? 60_000 : 3_600_000);
}
