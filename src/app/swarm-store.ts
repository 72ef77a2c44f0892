import { resolve } from 'node:path';
import type { Config } from '../config/config.ts';
import { ProblemsError } from '../errors.ts';
import { isPostgresUrl, type SwarmStore } from '../swarm/store.ts';
import { answeringEngine, engineName, findStateFile } from './state-file.ts';

export interface StoreOptions {
  readonly config: Config;
  /** Path of a state file, or a URL of PostgreSQL. Default: `swarm.store` of the config, else a state file. */
  readonly store: string | undefined;
  /** Absolute: the folder of the project. */
  readonly folder: string;
  readonly now: (() => Date) | undefined;
}

export interface OpenedStore {
  readonly store: SwarmStore;
  /** Absolute; undefined on PostgreSQL. */
  readonly stateFile: string | undefined;
  /** The engine that new tasks of remediators are for. */
  readonly engine: string | undefined;
  /** Whether known tasks stay with the engine that they are for, since several machines sync them. */
  readonly keepsEngines: boolean;
}

/** Opens the store that a caller or the config names. Loads what PostgreSQL needs only for PostgreSQL. */
export async function openStore(options: StoreOptions): Promise<OpenedStore> {
  const { config, folder, now } = options;
  const { swarm } = config;
  const named = options.store ?? swarm.store;
  if (named !== undefined && isPostgresUrl(named)) {
    const { hasPassword, openPostgresSwarm } = await import('../swarm/postgres/store.ts');
    if (options.store === undefined && hasPassword(named))
      throw new ProblemsError('bad-config', 'swarm.store contains a password. Passwords do not belong in a file.', {
        hint: 'Leave it out, change it, and put it into ~/.pgpass or the variable PGPASSWORD.',
      });
    if (swarm.project === undefined)
      throw new ProblemsError('bad-config', 'A queue on PostgreSQL needs a name for the project.', {
        hint: 'Set swarm.project in the config: the same name on every machine, and another one for each project.',
      });
    // Never by the clock of this machine.
    const store = await openPostgresSwarm(named, { project: swarm.project });
    const engine = swarm.engine === undefined ? await ownEngine(config) : engineName(swarm.engine);
    return { store, stateFile: undefined, engine, keepsEngines: swarm.engine === undefined };
  }
  const place = await placeOf(config, options.store);
  const { openSqliteSwarm } = await import('../swarm/sqlite/store.ts');
  const store = await openSqliteSwarm(place.path, { project: folder, ...(now === undefined ? {} : { now }) });
  return { store, stateFile: place.path, engine: place.engine, keepsEngines: place.engine === undefined };
}

async function placeOf(
  config: Config,
  store: string | undefined,
): Promise<{ readonly path: string; readonly engine: string | undefined }> {
  const { folder, remediation } = config;
  if (store !== undefined) return { path: resolve(folder, store), engine: await ownEngine(config) };
  const { state } = remediation;
  const stated = typeof state === 'string' ? state : undefined;
  const place = await findStateFile({ folder, stated, docker: await dockerOf(config) });
  if (place === undefined) throw new TypeError('A state file has a place unless it is only looked for.');
  return { path: place.path, engine: place.engine ?? (await ownEngine(config)) };
}

async function ownEngine(config: Config): Promise<string | undefined> {
  return answeringEngine(await dockerOf(config));
}

async function dockerOf({ folder }: Config) {
  const { openHost } = await import('./open-host.ts');
  return openHost({ roots: [folder] }).reader.docker;
}
