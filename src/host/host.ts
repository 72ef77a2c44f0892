import { changeBackups, readBackups } from './backups/index.ts';
import { openCredentials } from './credentials.ts';
import { openEngine } from './docker.ts';
import { changeDocker } from './docker-changer.ts';
import { readDocker } from './docker-reader.ts';
import { changeFiles, readFiles } from './files.ts';
import { findInstances } from './instances.ts';
import { onlyInstance } from './only-instance.ts';
import { amcheck } from './probes/amcheck.ts';
import { backends } from './probes/backends.ts';
import { baseBackup } from './probes/base-backup.ts';
import { dataSpace } from './probes/data-space.ts';
import { holdSessions } from './probes/hold-sessions.ts';
import { fileSettings } from './probes/file-settings.ts';
import { imageUser } from './probes/image-user.ts';
import { memoryLoad } from './probes/memory-load.ts';
import { memoryUse } from './probes/memory-use.ts';
import { page } from './probes/page.ts';
import { portsFree } from './probes/ports-free.ts';
import { readRows } from './probes/read-rows.ts';
import { reach } from './probes/reach.ts';
import { serverTitles } from './probes/server-titles.ts';
import { referenceSchema } from './probes/reference-schema.ts';
import { survey } from './probes/survey.ts';
import { sqlOver } from './sql.ts';
import type { HostChanger, HostReader } from './types.ts';

export interface HostOptions {
  /** Folders whose files may be read and edited. The first is the project's. */
  readonly roots: readonly string[];
  /** Folders that hold `<instance>/config/instance.conf`. */
  readonly instanceFolders?: readonly string[];
  /** Of the config: container names that are instances too. */
  readonly pattern?: RegExp;
  /** Folders that hold `<instance>/<backup>/`. The first is where new ones are taken to. */
  readonly backupFolders?: readonly string[];
  readonly passfile?: string;
  /** By instance name. */
  readonly passwords?: Readonly<Record<string, string>>;
  /** Looks only at these instances. Default: all. */
  readonly only?: readonly string[];
  /** Stops everything that is under way. */
  readonly signal?: AbortSignal;
}

export interface OpenHost {
  readonly reader: HostReader;
  readonly changer: HostChanger;
  /** Passwords handed to drivers so far: to be taken out of whatever is printed or kept. */
  secrets(): readonly string[];
}

/** The machine's engine, servers and files. Connects at the first question. */
export function openHost(options: HostOptions): OpenHost {
  const signal = options.signal ?? new AbortController().signal;
  const engine = openEngine(signal);
  const docker = readDocker(engine.reading);
  const files = readFiles(options.roots);
  const credentials = openCredentials({
    files,
    ...(options.passfile === undefined ? {} : { passfile: options.passfile }),
    ...(options.passwords === undefined ? {} : { configured: options.passwords }),
  });
  const sql = sqlOver(engine.changing, credentials);
  const sources = {
    docker,
    files,
    folders: options.instanceFolders ?? [],
    ...(options.pattern === undefined ? {} : { pattern: options.pattern }),
  };

  const backupSources = { engine: engine.changing, docker, sql: sql.reader, credentials, signal };

  const reader: HostReader = {
    docker,
    files,
    sql: sql.reader,
    signal,
    backups: readBackups(options.backupFolders ?? [], backupSources),
    probes: {
      portsFree: async (ports) => portsFree(engine.changing, (await docker.info()).local, ports),
      reach: (client, request) => reach(engine.changing, credentials, client, request),
      page: (client, request) => page(engine.changing, client, request),
      survey: (mount, image) => survey(engine.changing, mount, image),
      baseBackup: (instance, limits) => baseBackup(engine.changing, credentials, instance, limits),
      amcheck: (instance, databases, limits) => amcheck(engine.changing, credentials, instance, databases, limits),
      readRows: (instance, databases, limits) => readRows(engine.changing, credentials, instance, databases, limits),
      holdSessions: (request) => holdSessions(engine.changing, credentials, request),
      backends: (instance) => backends(engine.changing, instance),
      dataSpace: (instance) => dataSpace(engine.changing, instance),
      serverTitles: (instance) => serverTitles(engine.changing, instance),
      memoryUse: (instance) => memoryUse(engine.changing, instance),
      fileSettings: (instance, names, candidates) => fileSettings(engine.changing, instance, names, candidates),
      memoryLoad: (instance, load) => memoryLoad(engine.changing, credentials, instance, load),
      referenceSchema: (request) => referenceSchema(engine.changing, request),
      imageUser: (image, user) => imageUser(engine.changing, image, user),
    },
    async instances({ all: every } = {}) {
      const all = await findInstances(sources);
      // Learned now, so that whatever is printed later is free of them.
      await Promise.all(all.map((instance) => credentials.passwords(instance)));
      return options.only === undefined || every === true
        ? all
        : all.filter(({ name }) => options.only?.includes(name));
    },
    async instance(name) {
      return onlyInstance(await findInstances(sources), name);
    },
  };

  return {
    reader,
    changer: {
      docker: changeDocker(engine.changing, docker),
      sql: sql.changer,
      files: changeFiles(options.roots, files),
      backups: changeBackups(options.backupFolders ?? [], backupSources),
    },
    secrets: () => credentials.seen(),
  };
}
