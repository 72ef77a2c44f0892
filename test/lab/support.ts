import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { TestContext } from 'vitest';

import { soak } from '../soak.ts';
import { createEngineClient, engineAnswers, labIsRequired } from './engine.ts';
import { logOf } from './exec.ts';
import { ensureImages } from './images/images.ts';
import { reservePorts } from './ports.ts';
import { openRun, type PostgresMajor, removeFolder, removeObjects, type Run, runLabel } from './run.ts';

const failedFolder = join(import.meta.dirname, '..', '..', '.lab', 'failed');

/**
 * Whether the tests of the lab can run here: `describe.skipIf(!(await labRuns()))`. Where the lab is required (CI=true or
 * PROBLEMS_LAB=required), its absence is an error instead.
 */
export async function labRuns(): Promise<boolean> {
  if (await engineAnswers()) return true;
  if (labIsRequired()) throw new Error('the lab is required, and no Docker Engine answers: see docs/lab.md');
  return false;
}

/**
 * The versions of PostgreSQL for a test that is about every one: both with soak, else this one. The tests of one topic name
 * different ones, so that both are used in every run.
 */
export function majors(alone: PostgresMajor): readonly PostgresMajor[] {
  return soak ? [15, 17] : [alone];
}

export interface TestRunOptions {
  readonly scenario?: string;
  readonly postgres?: PostgresMajor;
}

/**
 * A run for one test, with separate names, ports and a project folder. It is removed when the test ends; when the test
 * failed, the logs and the inspection of its containers are kept first, and the test's output says where.
 */
export async function createRun(
  test: Pick<TestContext, 'onTestFinished' | 'task'>,
  options: TestRunOptions = {},
): Promise<Run> {
  const run = await openTestRun(options);
  test.onTestFinished(async ({ task }) => {
    if (task.result?.state === 'fail') {
      const messages = (task.result.errors ?? []).map(({ message }) => message);
      const kept = await keepEvidence(run, [task.name, ...messages].join('\n\n'));
      process.stderr.write(`lab: "${task.name}" failed; its error and the logs of its containers are in ${kept}\n`);
    }
    await closeTestRun(run);
  });
  return run;
}

/** The same for several tests: to be opened in `beforeAll` and closed in `afterAll`. */
export async function openTestRun(options: TestRunOptions = {}): Promise<Run> {
  const docker = createEngineClient();
  await ensureImages(docker, (line) => process.stderr.write(`${line}\n`));
  const id = randomBytes(4).toString('hex');
  const folder = await mkdtemp(join(tmpdir(), `problems-lab-${id}-`));
  const ports = await reservePorts();
  return openRun({ id, docker, folder, ports, prefix: `lab-${id}-`, ...options });
}

/** Removes everything of the run: containers, volumes, networks, its folder; and gives its ports back. */
export async function closeTestRun(run: Run): Promise<void> {
  await removeObjects({ docker: run.docker, run: run.id });
  await removeVolumesOfRepairs(run);
  await removeFolder(run.docker, run.folder);
  await run.ports.release();
}

/** Volumes that a repair has made carry no label of the lab, only the run's prefix. */
async function removeVolumesOfRepairs({ docker, prefix }: Run): Promise<void> {
  const { Volumes } = await docker.listVolumes({ filters: JSON.stringify({ name: [prefix] }) });
  const made = Volumes.filter(({ Name }) => Name.startsWith(prefix));
  await Promise.all(made.map(({ Name }) => docker.getVolume(Name).remove()));
}

/** Writes `summary`, and logs and inspections of the run's containers, to `.lab/failed/<run>/`. Returns that folder. */
export async function keepEvidence(run: Run, summary: string): Promise<string> {
  const folder = join(failedFolder, run.id);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'test.txt'), `${summary}\n`);
  const filters = JSON.stringify({ label: [`${runLabel}=${run.id}`] });
  for (const { Id, Names } of await run.docker.listContainers({ all: true, filters })) {
    const name = Names[0]?.slice(1) ?? Id;
    const container = run.docker.getContainer(Id);
    await writeFile(join(folder, `${name}.log`), await logOf(container).catch(String));
    const { Config, ...inspected } = await container.inspect();
    // The environment holds passwords.
    const shown = {
      ...inspected,
      Config: { ...Config, Env: Config.Env.map((line) => line.replace(/(PASSWORD|URL)=.*/, '$1=…')) },
    };
    await writeFile(join(folder, `${name}.json`), `${JSON.stringify(shown, undefined, 2)}\n`);
  }
  return folder;
}
