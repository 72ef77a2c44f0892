import type { BackupKeys } from '../backups/decrypt.ts';
import { changeBackups, readBackups } from '../backups/index.ts';
import { openCompose } from '../host/compose/client.ts';
import type { ComposeMode } from '../host/compose/types.ts';
import { type EngineAddress, engineAddress, type EngineChoice, engineEnvironment } from '../host/docker/address.ts';
import { changeDocker } from '../host/docker/change.ts';
import { openEngine } from '../host/docker/client.ts';
import { readDocker } from '../host/docker/read.ts';
import { changeFiles, readFiles } from '../host/files/files.ts';
import { ownHelperImage } from '../host/helper-image.ts';
import { findDeclarations, findInstance, findInstances } from '../host/instances.ts';
import { type Credentials, openCredentials } from '../host/postgres/credentials.ts';
import type { Connection } from '../host/postgres/client.ts';
import { type ConnectionKeeper, keepConnections } from '../host/postgres/kept-connections.ts';
import { openSql } from '../host/postgres/sql.ts';
import { serverProcesses } from '../host/probes/backends.ts';
import { amcheck, baseBackup, readRows, referenceSchema } from '../host/probes/databases.ts';
import { diskUse } from '../host/probes/disk-use.ts';
import { dataSpace, fileSettings, imageUser, survey } from '../host/probes/files.ts';
import { memoryLoad, memoryUse } from '../host/probes/memory.ts';
import { httpGet, portsFree, reach } from '../host/probes/network.ts';
import { sessionMemory, holdSessions } from '../host/probes/sessions.ts';
import { once } from '../host/shared-reader.ts';
import type { FileReader } from '../host/types.ts';
import type { ConnectedHost, OpenHost } from '../remediation/contract.ts';

export interface HostOptions {
  /** Folders whose files may be read and edited. The first is the project's. */
  readonly roots: readonly string[];
  /** Folders that hold `<instance>/config/instance.conf`. */
  readonly instanceFolders?: readonly string[];
  /** Pattern of further container names that are instances, from the config. */
  readonly pattern?: RegExp;
  /** Folders with `<instance>/<backup>/`. New backups go to the first. */
  readonly backupFolders?: readonly string[];
  /** Files with the keys of encrypted backups. Default: such backups stay closed. */
  readonly backupKeys?: BackupKeys;
  readonly passfile?: string;
  /** Names of instances whose servers may ask for an MD5 hash of the password. Default: none. */
  readonly md5?: readonly string[];
  /** An image by digest or id, for helpers that need no program of the instance's image. */
  readonly helperImage?: string;
  /** What a repair may change of Compose projects below `roots`. Default: `edit`. */
  readonly compose?: ComposeMode;
  /** By instance name. */
  readonly passwords?: Readonly<Record<string, string>>;
  /** Use only these instances. Default: all. */
  readonly only?: readonly string[];
  /** Default: the engine that the environment names. */
  readonly engine?: EngineChoice;
}

/** The machine's engine, servers and files. Connects on first use. */
export function openHost(options: HostOptions): OpenHost {
  const files = readFiles(options.roots);
  // Read once: every call of this host asks the same engine.
  const address = engineAddress(environmentOf(options));
  const credentials = openCredentials({
    files,
    engine: address,
    ...(options.passfile === undefined ? {} : { passfile: options.passfile }),
    ...(options.passwords === undefined ? {} : { configured: options.passwords }),
  });
  const slots = keepConnections<Connection>({ idleMs: 120_000, most: 1, makesWay: false });
  function withSignal(signal: AbortSignal): ConnectedHost {
    return connect(options, { address, files, credentials, signal, slots });
  }
  return {
    ...withSignal(new AbortController().signal),
    withSignal,
    openRound(signal) {
      const shared = keepConnections<Connection>({ idleMs: 10_000, most: 2 });
      const { reader } = connect(options, { address, files, credentials, signal, slots, shared });
      return { reader, close: () => shared.close() };
    },
    secrets: () => credentials.seen(),
    shortSecrets: () => credentials.tooShort(),
  };
}

function environmentOf({ engine }: HostOptions): Readonly<Record<string, string | undefined>> {
  return engine === undefined ? process.env : { ...process.env, ...engineEnvironment(engine) };
}

/** Readers and changers whose calls end when the signal is aborted. */
function connect(
  options: HostOptions,
  {
    address,
    files,
    credentials,
    signal,
    slots,
    shared,
  }: {
    readonly address: EngineAddress;
    readonly files: FileReader;
    readonly credentials: Credentials;
    readonly signal: AbortSignal;
    readonly slots: ConnectionKeeper<Connection>;
    /** For a round of checks. */
    readonly shared?: ConnectionKeeper<Connection>;
  },
): ConnectedHost {
  const { reading, changing } = openEngine(signal, address);
  const engine = {
    reading,
    changing: { ...changing, helperImage: async () => options.helperImage ?? (await ownHelperImage(changing)) },
  };
  const asked = readDocker(engine.reading);
  const docker =
    shared === undefined
      ? asked
      : {
          ...asked,
          info: once(() => asked.info()),
          containers: once(() => asked.containers()),
          image: once((ref: string) => asked.image(ref)),
        };
  const sql = openSql({
    engine: engine.changing,
    credentials,
    signal,
    slots,
    ...(options.md5 === undefined ? {} : { md5: options.md5 }),
    ...(shared === undefined ? {} : { shared }),
  });
  const sources = {
    // A wait asks for its instance often, and the engine's id never changes.
    docker: { ...docker, info: rememberAnswer(() => docker.info()) },
    files,
    folders: options.instanceFolders ?? [],
    ...(options.pattern === undefined ? {} : { pattern: options.pattern }),
  };

  const compose = openCompose(address, {
    mode: options.compose ?? 'edit',
    roots: options.roots,
    environment: environmentOf(options),
  });
  const everyInstance = shared === undefined ? () => findInstances(sources) : once(() => findInstances(sources));

  const keys = options.backupKeys ?? {};
  const backupSources = { engine: engine.changing, docker, sql: sql.reader, credentials, signal, keys };

  const reader: ConnectedHost['reader'] = {
    docker,
    files,
    compose: compose.reader,
    sql: sql.reader,
    signal,
    backups: readBackups(options.backupFolders ?? [], backupSources),
    probes: {
      portsFree: async (ports) => portsFree(engine.changing, (await docker.info()).local, ports),
      reach: (client, request) => reach(engine.changing, credentials, client, request),
      httpGet: (client, request) => httpGet(engine.changing, client, request),
      survey: (mount, image, how) => survey(engine.changing, mount, image, how),
      baseBackup: (instance, limits) => baseBackup(engine.changing, credentials, instance, limits),
      amcheck: (instance, databases, limits) => amcheck(engine.changing, credentials, instance, databases, limits),
      readRows: (instance, databases, limits) => readRows(engine.changing, credentials, instance, databases, limits),
      holdSessions: (request) => holdSessions(engine.changing, credentials, request),
      sessionMemory: (instance) => sessionMemory(engine.changing, instance),
      dataSpace: (instance) => dataSpace(engine.changing, instance),
      diskUse: (instance) => diskUse(engine.changing, instance),
      serverProcesses: (instance) => serverProcesses(engine.changing, instance),
      memoryUse: (instance) => memoryUse(engine.changing, instance),
      fileSettings: (instance, names, candidates) => fileSettings(engine.changing, instance, names, candidates),
      memoryLoad: (instance, load) => memoryLoad(engine.changing, credentials, instance, load),
      referenceSchema: (request) => referenceSchema(engine.changing, request),
      imageUser: (image, user) => imageUser(engine.changing, image, user),
    },
    async instances({ all: every } = {}) {
      const all = await everyInstance();
      // Loaded now, so that later output can be redacted.
      await Promise.all(all.map((instance) => credentials.passwords(instance)));
      return options.only === undefined || every === true
        ? all
        : all.filter(({ name }) => options.only?.includes(name));
    },
    declaredInstances: () => findDeclarations(sources),
    async instance(name) {
      return findInstance(sources, name);
    },
  };

  return {
    reader,
    changer: {
      docker: changeDocker(engine.changing, docker),
      sql: sql.changer,
      files: changeFiles(options.roots, files),
      compose: compose.changer,
      backups: changeBackups(options.backupFolders ?? [], backupSources),
    },
  };
}

/** Asks until there is an answer, and then no more. */
function rememberAnswer<Answer>(ask: () => Promise<Answer>): () => Promise<Answer> {
  let known: Promise<Answer> | undefined;
  return async () => {
    known ??= ask();
    try {
      return await known;
    } catch (error) {
      known = undefined;
      throw error;
    }
  };
}
