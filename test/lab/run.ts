import { execFileSync } from 'node:child_process';
import { mkdir, readFile, rm } from 'node:fs/promises';

import type Docker from 'dockerode';

import { statusOf } from './engine.ts';
import { isCode } from './folder-lock.ts';
import { freePort, type RunPorts } from './ports.ts';

/** The label that every object of the lab carries; its value is the run's id. */
export const runLabel = 'problems.lab';
export const scenarioLabel = 'problems.lab.scenario';

export type PostgresMajor = 15 | 17;

/** One isolated use of the lab: its own names, ports, network and project folder. All it makes carries its label. */
export interface Run {
  readonly id: string;
  readonly scenario: string;
  readonly docker: Docker;
  /** The project folder, with `resources/postgres/` in it. */
  readonly folder: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The prefix of the managed names: empty for a demonstration, `lab-<id>-` for a test. */
  readonly prefix: string;
  /** `<prefix>vrooli-network`. */
  readonly network: string;
  /** The pattern of the run's instance containers and of no other run's: `<prefix>vrooli-postgres-*`. */
  readonly instancePattern: string;
  readonly postgres: PostgresMajor;
  readonly ports: RunPorts;
  takePort(): Promise<number>;
  takeGuiPort(): Promise<number>;
}

export interface RunSettings {
  readonly id: string;
  readonly docker: Docker;
  readonly folder: string;
  readonly ports: RunPorts;
  /** Default: `none`. */
  readonly scenario?: string;
  /** Default: empty. */
  readonly prefix?: string;
  /** Default 17, the nearer to the 16 of the contract. */
  readonly postgres?: PostgresMajor;
}

/** A run with its project folder; the network is made when the first container wants it. */
export async function openRun(settings: RunSettings): Promise<Run> {
  const { id, docker, folder, ports, scenario = 'none', prefix = '', postgres = 17 } = settings;
  await mkdir(folder, { recursive: true });
  const taken = new Set<number>();
  let last: Promise<unknown> = Promise.resolve();
  /** One after the other: asked at once twice, the engine would name one port twice. */
  function take(range: RunPorts['instances']): Promise<number> {
    const port = last.then(() => freePort(docker, range, taken));
    last = port.then(
      (found) => taken.add(found),
      () => undefined,
    );
    return port;
  }
  return {
    id,
    scenario,
    docker,
    folder,
    labels: { [runLabel]: id, [scenarioLabel]: scenario },
    prefix,
    network: `${prefix}vrooli-network`,
    instancePattern: `${prefix}vrooli-postgres-*`,
    postgres,
    ports,
    takePort: () => take(ports.instances),
    takeGuiPort: () => take(ports.guis),
  };
}

const networksMade = new WeakMap<Run, Map<string, Promise<void>>>();

/** Makes a network of the run unless it is there. Asked at once twice, the engine would make two of the same name. */
export function ensureNetwork(run: Run, name = run.network): Promise<void> {
  const made = networksMade.get(run) ?? new Map<string, Promise<void>>();
  networksMade.set(run, made);
  const making = made.get(name) ?? makeNetwork(run, name);
  made.set(name, making);
  return making;
}

async function makeNetwork(run: Run, name: string): Promise<void> {
  const there = await run.docker.listNetworks({ filters: JSON.stringify({ name: [name] }) });
  if (there.some((network) => network.Name === name)) return;
  // It carries the run's label alone: scenarios of a run may share it.
  await run.docker.createNetwork({ Name: name, CheckDuplicate: true, Labels: { [runLabel]: run.id } });
}

/** A volume of the run, with `name` after the run's prefix. */
export async function createVolume(run: Run, name: string): Promise<string> {
  const Name = `${run.prefix}${name}`;
  await run.docker.createVolume({ Name, Labels: { ...run.labels } });
  return Name;
}

/** Which objects to remove: those of a run, of one scenario of it, or everything that the lab ever made. */
export interface Removal {
  readonly docker: Docker;
  readonly run?: string;
  readonly scenario?: string;
}

/** What a removal took away, by name, sorted. */
export interface Removed {
  readonly containers: readonly string[];
  readonly networks: readonly string[];
  readonly volumes: readonly string[];
}

/**
 * Removes containers, volumes and networks by the label, and the anonymous volumes that those containers used: a
 * remediator binds such a volume by name to a new container, and from then on no removal of a container takes it along.
 */
export async function removeObjects(removal: Removal): Promise<Removed> {
  const { docker, run, scenario } = removal;
  const ofRun = run === undefined ? runLabel : `${runLabel}=${run}`;
  const label = scenario === undefined ? [ofRun] : [ofRun, `${scenarioLabel}=${scenario}`];
  const containers = await docker.listContainers({ all: true, filters: JSON.stringify({ label }) });
  const anonymous = containers.flatMap((one) =>
    one.Mounts.flatMap(({ Type, Name = '' }) => (Type === 'volume' && /^[0-9a-f]{64}$/.test(Name) ? [Name] : [])),
  );
  await Promise.all(containers.map(({ Id }) => unlessGone(docker.getContainer(Id).remove({ force: true, v: true }))));

  const labelled = await docker.listVolumes({ filters: JSON.stringify({ label }) });
  const volumes = [...new Set([...anonymous, ...labelled.Volumes.map((volume) => volume.Name)])];
  await Promise.all(volumes.map((name) => unlessGone(docker.getVolume(name).remove())));

  const removedNetworks = await removeUnusedNetworks(docker, ofRun);
  return {
    containers: containers.map((one) => one.Names[0]?.slice(1) ?? one.Id).sort(),
    networks: removedNetworks,
    volumes: volumes.sort(),
  };
}

/**
 * A network outlives the scenario that made it while a container of another is in it. The engine itself only counts those
 * that run, and one that is stopped could not start again without.
 */
async function removeUnusedNetworks(docker: Docker, label: string): Promise<readonly string[]> {
  const containers = await docker.listContainers({ all: true });
  const used = new Set(containers.flatMap((one) => Object.keys(one.NetworkSettings.Networks)));
  const networks = await docker.listNetworks({ filters: JSON.stringify({ label: [label] }) });
  const unused = networks.filter((one) => !used.has(one.Name));
  const gone = await Promise.all(unused.map(({ Id }) => unlessGone(docker.getNetwork(Id).remove(), [403, 409])));
  return unused
    .filter((_, index) => gone[index])
    .map((one) => one.Name)
    .sort();
}

/** Removes a project folder. Files of the database's user that this one may not remove are removed by a container. */
export async function removeFolder(docker: Docker, folder: string): Promise<void> {
  await unmountBelow(folder);
  try {
    await rm(folder, { recursive: true, force: true });
  } catch (error) {
    if (!isCode(error, 'EACCES') && !isCode(error, 'EPERM')) throw error;
    await docker.run(
      'problems-lab/postgres-seeded:15',
      ['find', '/folder', '-mindepth', '1', '-delete'],
      process.stderr,
      {
        User: '0:0',
        Entrypoint: [],
        HostConfig: { AutoRemove: true, Binds: [`${folder}:/folder`] },
      },
    );
    await rm(folder, { recursive: true, force: true });
  }
}

/** Small disks that a scenario has mounted. */
async function unmountBelow(folder: string): Promise<void> {
  const mounts = await readFile('/proc/self/mounts', 'utf8').catch(() => '');
  const paths = mounts.split('\n').map((line) => line.split(' ')[1] ?? '');
  for (const path of paths.filter((one) => one.startsWith(`${folder}/`))) execFileSync('umount', ['-l', path]);
}

async function unlessGone(work: Promise<unknown>, accepted: readonly number[] = [409]): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    const status = statusOf(error);
    if (status === 404 || (status !== undefined && accepted.includes(status))) return false;
    throw error;
  }
}
