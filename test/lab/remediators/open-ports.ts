import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import type { OpenHost } from '../../../src/remediation/contract.ts';
import type { Instance } from '../../../src/host/instance.ts';
import { openHost } from '../../../src/app/open-host.ts';
import { openRemediation, type Remediation, type RemediationOptions } from '../../../src/app/remediation.ts';
import { portReassignment } from '../../../src/remediation/remediators/port-reassignment/index.ts';
import { type Run, runLabel } from '../run.ts';
import { createRun } from '../support.ts';

export interface PortSettingsOfTest {
  readonly range?: string;
  readonly reserved?: Readonly<Record<string, string>>;
  readonly files?: readonly string[];
}

/** The remediator alone, on the instances of one run and no others, with that run's ports as its range. */
export function openPorts(
  run: Run,
  state: string,
  settings: PortSettingsOfTest = {},
  options: Pick<RemediationOptions, 'now' | 'atPoint'> = {},
): Promise<Remediation> {
  const { first, last } = run.ports.instances;
  return openRemediation({
    folder: run.folder,
    host: hostOf(run),
    remediators: [portReassignment],
    config: { state, settings: { 'port-reassignment': { range: `${first}-${last}`, ...settings } } },
    ...options,
  });
}

/** Demonstrations may be up on the same engine: their instances must not be seen, let alone repaired. */
function hostOf(run: Run): OpenHost {
  const host = openHost({
    roots: [run.folder],
    instanceFolders: [join(run.folder, 'resources/postgres/instances')],
    pattern: new RegExp(`^${run.prefix}vrooli-postgres-(.+)$`),
  });
  async function instances(): Promise<readonly Instance[]> {
    const all = await host.reader.instances();
    return all.filter(({ container }) => container.labels[runLabel] === run.id);
  }
  return {
    ...host,
    reader: {
      ...host.reader,
      instances,
      instance: async (name) => (await instances()).find((instance) => instance.name === name),
    },
  };
}

/** A path for a state file outside the project, so that comparing the project before and after does not see it. */
export async function stateFile(test: Pick<TestContext, 'onTestFinished'>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'problems-lab-state-'));
  test.onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return join(folder, 'state.db');
}

/** A run for one test with the remediator opened on it; both end with the test. */
export async function createPortRun(
  test: Pick<TestContext, 'onTestFinished' | 'task'>,
  settings: PortSettingsOfTest = {},
): Promise<{ readonly run: Run; readonly ports: Remediation; readonly state: string }> {
  const run = await createRun(test);
  const state = await stateFile(test);
  const ports = await openPorts(run, state, settings);
  test.onTestFinished(() => ports.close());
  return { run, ports, state };
}
