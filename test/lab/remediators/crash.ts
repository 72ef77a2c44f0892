import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect } from 'vitest';
import {
  remediate,
  type Remediation,
  type RestoreRequest,
  resume,
  runs as journal,
} from '../../../src/app/remediation.ts';
import { createEngineClient } from '../engine.ts';
import { soak } from '../../soak.ts';
import { openers, type OpenOptions, type Place, type Settings } from './open-remediator.ts';

/** A remediator, and the instances of the run that it is opened on. */
export interface Opened {
  readonly remediator: keyof typeof openers;
  readonly run: Place;
  readonly settings?: Settings;
  readonly options?: Pick<OpenOptions, 'instances'>;
}

/** What the other process does. */
export interface ProcessJob extends Opened {
  /** Default: `remediate`. Rolled back is the newest run. */
  readonly action?: 'remediate' | 'resume' | 'rollback';
  /** In place of what is detected: restores this backup. */
  readonly restore?: RestoreRequest;
  /** The point at which it ends itself by SIGKILL, or `point+ms` for as many milliseconds later. Default: nowhere. */
  readonly killAt?: string;
}

/** How the other process ended. */
export interface Ended {
  readonly signal: NodeJS.Signals | null;
  /** Every point that it passed; none if it was killed. */
  readonly points: readonly string[];
  readonly outcomes: readonly (string | null)[];
}

/** Starts a process that repairs. */
export function begin(
  job: ProcessJob,
  env: NodeJS.ProcessEnv = {},
): { readonly process: ChildProcess; readonly ended: Promise<Ended> } {
  const { folder, prefix } = job.run;
  const started = spawn(
    process.execPath,
    [join(import.meta.dirname, 'crash-child.ts'), JSON.stringify({ ...job, run: { folder, prefix } })],
    {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  async function ending(): Promise<Ended> {
    const [said, [code, signal]] = await Promise.all([text(started.stdout), once(started, 'close')]);
    if (code !== 0 && signal === null) throw new Error(`the process of ${job.remediator} ended with exit code ${code}`);
    return { points: [], outcomes: [], ...(said === '' ? {} : JSON.parse(said)), signal };
  }
  return { process: started, ended: ending() };
}

/** Repairs in a process and waits for its end. */
export function inProcess(job: ProcessJob): Promise<Ended> {
  return begin(job).ended;
}

/** What is broken again and again, and what must hold each time. */
export interface CrashScenario extends Opened {
  /** Before each run: makes it as it was at first. Default: nothing, since `check` rolls back. */
  readonly breakAgain?: () => Promise<void>;
  /** After each run, `point` says where it was killed: checks the result, and rolls it back. */
  check(remediation: Remediation, outcome: string | null | undefined, point: string): Promise<void>;
}

/**
 * Kills a process that repairs at `point`, and resumes in this process. No helper may remain. `scenario.check` then gets
 * the outcome.
 */
async function crashAt(point: string, scenario: CrashScenario): Promise<void> {
  await startAgain(scenario);
  expect((await inProcess({ ...scenario, killAt: point })).signal, point).toBe('SIGKILL');
  await checkEnd(scenario, point);
}

/**
 * `crashAt` for each of `points`: in the middle of the step that has the most effect, since test/lab/engine/crash.test.ts
 * kills between the steps. In `npm run test:soak` also for every point that an undisturbed run passes, and that run must be
 * fixed and pass `check` as well.
 */
export async function crashAtEach(points: readonly string[], scenario: CrashScenario): Promise<void> {
  for (const point of soak ? [...points, ...(await pointsOf(scenario))] : points) await crashAt(point, scenario);
}

async function pointsOf(scenario: CrashScenario): Promise<readonly string[]> {
  await startAgain(scenario);
  const { points, outcomes } = await inProcess(scenario);
  expect(outcomes).toEqual(['fixed']);
  await checkEnd(scenario, 'undisturbed');
  return points;
}

/** Removes the journal: after two rollbacks within an hour the circuit breaker would wait for an operator. */
async function startAgain({ run, breakAgain }: CrashScenario): Promise<void> {
  await rm(join(run.folder, '.problems'), { recursive: true, force: true });
  await breakAgain?.();
}

async function checkEnd(scenario: CrashScenario, point: string): Promise<void> {
  await withRemediation(scenario, async (remediation) => {
    const outcome = await endOf(remediation);
    expect(await helpersOf(scenario.run), point).toEqual([]);
    await scenario.check(remediation, outcome, point);
  });
}

/** Opens the remediator here, and closes it after `work`. */
export async function withRemediation(
  { remediator, run, settings = {}, options = {} }: Opened,
  work: (remediation: Remediation) => Promise<void>,
): Promise<void> {
  const remediation = await openers[remediator](run, settings, options);
  try {
    await work(remediation);
  } finally {
    remediation.close();
  }
}

/** How the newest run ends, resumed or over already; one that was killed before it was planned is begun again. */
export async function endOf(remediation: Remediation): Promise<string | null | undefined> {
  const reports = await resume(remediation);
  if (reports.length > 0) return reports.length === 1 ? reports[0]?.outcome : 'several';
  const [newest] = await journal(remediation);
  if (newest?.phase === 'ended') return newest.outcome;
  return (await remediate(remediation, { yes: true })).runs[0]?.outcome;
}

/** Helpers that see the run's data. */
async function helpersOf({ folder, prefix }: Place): Promise<readonly string[]> {
  const filters = JSON.stringify({ label: ['problems.helper'] });
  const all = await createEngineClient().listContainers({ all: true, filters });
  return all
    .filter(({ Mounts }) =>
      Mounts.some(({ Name = '', Source }) => Name.startsWith(prefix) || Source.startsWith(folder)),
    )
    .map(({ Id }) => Id);
}
