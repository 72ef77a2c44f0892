import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { ProblemsError } from '../errors.ts';
import { engineAddress, type EngineChoice, engineEnvironment } from '../host/docker/address.ts';
import type { DockerReader } from '../host/docker/types.ts';
import { userStateFolder } from '../host/user-key.ts';
import { readTextIfPossible } from '../read-file.ts';
import { isObject, parseJson } from '../util/json.ts';

/**
 * The state file of a Docker engine, in the user's state folder: all projects and checkouts on one engine share its locks, port
 * leases, suspensions and history, and no repository can bring one along. A config or PROBLEMS_STATE may name another file.
 */
export interface StatePlace {
  /** Absolute. */
  readonly path: string;
  /** A state file in the project that is not used; undefined if there is none. */
  readonly unused: string | undefined;
  /** Id of the engine that it belongs to, as a name of a folder; undefined if the file was named. */
  readonly engine: string | undefined;
  /** No engine has ever answered at the address, so whether there are runs is not known. Absent if the file was named. */
  readonly isGuess?: true;
}

export interface StatePlaceOptions {
  /** The project's folder, which relative paths are resolved against. */
  readonly folder: string;
  /** `remediation.state` of the config. */
  readonly stated: string | undefined;
  readonly docker: Pick<DockerReader, 'info'>;
  /** The engine that `docker` asks. Default: the one that the environment names. */
  readonly chosen?: EngineChoice | undefined;
  /** Writes nothing down; without an engine there may be no state file. */
  readonly onlyLooking?: true | undefined;
}

/** Where projects kept their state before it was shared. */
const oldPlace = '.problems/state.db';

/**
 * Finds the state file; it need not exist. If the engine does not answer, the one of the engine that last answered at this
 * address, or else one for the address.
 */
export async function findStateFile({
  folder,
  stated = process.env['PROBLEMS_STATE'],
  docker,
  chosen,
  onlyLooking,
}: StatePlaceOptions): Promise<StatePlace | undefined> {
  if (stated !== undefined && stated !== '')
    return { path: resolve(folder, stated), unused: undefined, engine: undefined };
  const address = engineAddress(chosen === undefined ? process.env : engineEnvironment(chosen)).text;
  const known = await engineId(docker, address, onlyLooking === true);
  if (known === undefined && onlyLooking === true) return undefined;
  // Nothing can be done without an engine, but what is there can be shown.
  const id = known ?? `at-${address.replaceAll(/[^A-Za-z0-9-]/g, '_').slice(0, 100)}`;
  const old = join(folder, oldPlace);
  const path = join(userStateFolder(), 'engines', id, 'state.db');
  return {
    path,
    unused: existsSync(old) ? old : undefined,
    engine: id,
    ...(known === undefined ? { isGuess: true } : {}),
  };
}

/** Undefined if the engine does not answer, and none has answered at this address before. */
async function engineId(
  docker: StatePlaceOptions['docker'],
  address: string,
  onlyLooking: boolean,
): Promise<string | undefined> {
  const known = knownEngines();
  const remembered = known.get(address);
  try {
    const safe = engineName((await docker.info()).id);
    if (safe !== remembered && !onlyLooking) await remember(new Map([...known, [address, safe]]));
    return safe;
  } catch (error) {
    if (!(error instanceof ProblemsError) || error.code !== 'engine-unreachable') throw error;
    return remembered;
  }
}

/** The id of an engine as the name of a folder, and as the queue names the engine. */
export function engineName(id: string): string {
  return id.replaceAll(/[^A-Za-z0-9-]/g, '_').slice(0, 128);
}

/** The engine that answers now; undefined if none does. */
export async function answeringEngine(docker: Pick<DockerReader, 'info'>): Promise<string | undefined> {
  try {
    return engineName((await docker.info()).id);
  } catch (error) {
    if (error instanceof ProblemsError && error.code === 'engine-unreachable') return undefined;
    throw error;
  }
}

function memory(): string {
  return join(userStateFolder(), 'engines.json');
}

/** Engines by the address at which they last answered. */
function knownEngines(): ReadonlyMap<string, string> {
  const found = parseJson(readTextIfPossible(memory(), { most: 2 ** 20 }) ?? '{}');
  const entries = isObject(found) ? Object.entries(found) : [];
  return new Map(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string' && /^[\w-]+$/.test(entry[1])),
  );
}

async function remember(engines: ReadonlyMap<string, string>): Promise<void> {
  await mkdir(userStateFolder(), { recursive: true, mode: 0o700 });
  await writeFileAtomic(memory(), `${JSON.stringify(Object.fromEntries(engines))}\n`, { mode: 0o600 });
}
