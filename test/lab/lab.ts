import { existsSync } from 'node:fs';
import { join } from 'node:path';

import type Docker from 'dockerode';

import { officialImage, pullOfficialImage, ensureImages } from './images/images.ts';
import { contractPorts } from './ports.ts';
import { copyRegistry } from './project.ts';
import {
  openRun,
  type PostgresMajor,
  removeFolder,
  type Removed,
  removeObjects,
  runLabel,
  scenarioLabel,
} from './run.ts';
import type { Scenario } from './scenario.ts';

/** The run of all demonstrations: they have the managed names and ports, so there is one of each on an engine. */
const demonstration = 'demonstration';

/** Where a scenario's project is laid out: `.lab/<scenario>` of the repository. */
function projectFolder(scenario: string): string {
  return join(import.meta.dirname, '..', '..', '.lab', scenario);
}

/** Makes the images that are missing, and pulls the official one if a registry answers within five seconds. */
export async function makeImages(docker: Docker, say: (line: string) => void): Promise<void> {
  await ensureImages(docker, say);
  const official = await pullOfficialImage(docker, 5000);
  say(`all images of the lab are there; ${officialImage}: ${official}`);
}

/** Lays out the project of a scenario and breaks it. What was made of it is removed again when that fails. */
export async function takeUp(
  docker: Docker,
  scenario: Scenario,
  postgres: PostgresMajor,
  say: (line: string) => void,
): Promise<string> {
  const folder = projectFolder(scenario.name);
  if (existsSync(folder)) throw new Error(`${scenario.name} is up already: take it down first`);
  await ensureImages(docker, say);
  const { name } = scenario;
  const run = await openRun({ id: demonstration, docker, folder, ports: contractPorts, scenario: name, postgres });
  try {
    await copyRegistry(run);
    await scenario.up(run, say);
  } catch (error) {
    await takeDown(docker, [scenario]);
    throw error;
  }
  return folder;
}

/** Removes what the demonstrations of these scenarios made, by their label, and their project folders. */
export async function takeDown(docker: Docker, some: readonly Scenario[]): Promise<readonly Removed[]> {
  const removed: Removed[] = [];
  for (const { name } of some) {
    removed.push(await removeObjects({ docker, run: demonstration, scenario: name }));
    await removeFolder(docker, projectFolder(name));
  }
  return removed;
}

/** Removes everything with the lab's label, from any process: tests that are running now lose their containers. */
export async function takeAllDown(docker: Docker, some: readonly Scenario[]): Promise<readonly Removed[]> {
  const removed = await takeDown(docker, some);
  return [...removed, await removeObjects({ docker })];
}

/** A container of the lab, as `status` shows it. */
export interface LabContainer {
  readonly run: string;
  readonly scenario: string;
  readonly name: string;
  readonly status: string;
}

/** Every container of the lab, sorted by run and name. */
export async function listContainers(docker: Docker): Promise<readonly LabContainer[]> {
  const found = await docker.listContainers({ all: true, filters: JSON.stringify({ label: [runLabel] }) });
  return found
    .map(({ Labels, Names, Id, Status }) => ({
      run: Labels[runLabel] ?? '',
      scenario: Labels[scenarioLabel] ?? '',
      name: Names[0]?.slice(1) ?? Id,
      status: Status,
    }))
    .sort((a, b) => (`${a.run}/${a.name}` < `${b.run}/${b.name}` ? -1 : 1));
}
