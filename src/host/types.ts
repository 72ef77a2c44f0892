/**
 * What the rest of the program sees of Docker, PostgreSQL and the file system: plain data and small interfaces of our
 * own. No driver's type passes this file.
 */

import type { BackupChanger, BackupReader } from './backups/types.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** The engine that holds the containers. `id` is stable for one engine (`GET /info`.ID) and keys leases and locks. */
export interface EngineInfo {
  readonly id: string;
  readonly version: string;
  readonly apiVersion: string;
  readonly operatingSystem: string;
  /** `name=userns`, `name=rootless`, `name=selinux`, … as the engine says them. */
  readonly securityOptions: readonly string[];
  readonly memoryBytes: number;
  readonly cpus: number;
  /** Whether the engine runs on this machine (a Unix socket): ports can then be tried directly. */
  readonly local: boolean;
}

/** A port as the container declares it in `HostConfig.PortBindings`: as written, ranges and empty ports included. */
export interface PortBinding {
  readonly containerPort: number;
  readonly protocol: string;
  /** Empty: every address of both families. */
  readonly hostIp: string;
  /** `5434`, a range `5460-5462`, or empty for one that the engine chooses at each start. */
  readonly hostPort: string;
}

export interface Mount {
  readonly type: string;
  /** A volume's name; empty for a bind mount. */
  readonly name: string;
  /** The path on the engine's machine. */
  readonly source: string;
  readonly destination: string;
  readonly writable: boolean;
  /** A volume that neither `Binds` nor `Mounts` names: lost by a recreate that does not bind it by name. */
  readonly anonymous: boolean;
}

export interface Endpoint {
  readonly network: string;
  readonly networkId: string;
  readonly aliases: readonly string[];
  readonly ipv4: string;
  readonly ipv6: string;
  /** Addresses that were asked for, not given: they must be asked for again. */
  readonly staticIpv4: string;
  readonly staticIpv6: string;
}

export interface ContainerState {
  /** created, running, paused, restarting, removing, exited, dead */
  readonly status: string;
  readonly running: boolean;
  readonly exitCode: number;
  readonly error: string;
  readonly oomKilled: boolean;
  /** RFC 3339, as the engine says it. */
  readonly startedAt: string;
  readonly finishedAt: string;
  /** `starting`, `healthy`, `unhealthy`; empty without a health check. */
  readonly health: string;
}

/** One container of the engine, running or not. `env` and `inspect` may hold secrets: never print or persist them. */
export interface Container {
  readonly id: string;
  /** Without the leading slash. */
  readonly name: string;
  /** The image's id. */
  readonly image: string;
  /** The name the container was made from. */
  readonly imageName: string;
  /** RFC 3339. */
  readonly created: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: ContainerState;
  readonly restartPolicy: RestartPolicy;
  readonly autoRemove: boolean;
  readonly env: Readonly<Record<string, string>>;
  readonly user: string;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly networkMode: string;
  /** Declared: `HostConfig.PortBindings`. True of stopped containers too. */
  readonly portBindings: readonly PortBinding[];
  /** Bound now: `NetworkSettings.Ports`. Empty unless it runs. */
  readonly publishedPorts: readonly PortBinding[];
  readonly mounts: readonly Mount[];
  readonly endpoints: readonly Endpoint[];
  /** Bytes; 0: no limit. */
  readonly memory: number;
  readonly shmSize: number;
  /** How often the engine has started it again by itself since somebody has; absent: never. */
  readonly restarts?: number;
  /** One of our own short-lived ones. */
  readonly helper?: true;
  /** How many CPUs' time it may use, fractions too; 0: no quota. What `nproc` says inside is the machine's (PGOPS §2.4). */
  readonly cpus: number;
  /** The engine's whole answer, for what has no property here. */
  readonly inspect: Json;
}

export interface RestartPolicy {
  /** Empty as `no`. */
  readonly name: string;
  readonly maximumRetryCount: number;
}

export interface Image {
  readonly id: string;
  readonly tags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly user: string;
  readonly volumes: readonly string[];
  readonly inspect: Json;
}

export interface Network {
  readonly id: string;
  readonly name: string;
  readonly driver: string;
  readonly internal: boolean;
  readonly labels: Readonly<Record<string, string>>;
}

export interface Volume {
  readonly name: string;
  readonly driver: string;
  readonly mountpoint: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface LogLine {
  /** RFC 3339 with nanoseconds; empty where the log driver gives none. */
  readonly at: string;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

export interface EngineEvent {
  /** RFC 3339. */
  readonly at: string;
  readonly type: string;
  readonly action: string;
  /** The object's id. */
  readonly actor: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** A path that differs from the image, outside volumes. */
export interface Change {
  readonly path: string;
  readonly kind: 'changed' | 'added' | 'deleted';
}

/** Reads from the engine. Every call has a deadline; what does not exist is `undefined`. */
export interface DockerReader {
  info(): Promise<EngineInfo>;
  /** All of them, stopped ones too, sorted by name. */
  containers(): Promise<readonly Container[]>;
  /** By id or name. */
  container(ref: string): Promise<Container | undefined>;
  image(ref: string): Promise<Image | undefined>;
  networks(): Promise<readonly Network[]>;
  network(ref: string): Promise<Network | undefined>;
  volumes(): Promise<readonly Volume[]>;
  volume(name: string): Promise<Volume | undefined>;
  /** The last lines, oldest first. Defaults: 200 lines; at most 1 MiB. `since`: RFC 3339. */
  logs(ref: string, options?: { readonly tail?: number; readonly since?: string }): Promise<readonly LogLine[]>;
  /** What happened between two times (RFC 3339); at most 1,000, exec events left out. */
  events(window: { readonly since: string; readonly until: string }): Promise<readonly EngineEvent[]>;
  changes(ref: string): Promise<readonly Change[]>;
  /** A file inside a container, running or not, its volumes included. Undefined where there is none; at most 1 MiB. */
  file(ref: string, path: string): Promise<Uint8Array | undefined>;
}

/** A PostgreSQL container, running or not. */
export interface Instance {
  /** The name without prefix: `orders` of `vrooli-postgres-orders`. */
  readonly name: string;
  readonly container: Container;
  readonly user: string;
  readonly database: string;
  /** The server's port inside the container. */
  readonly port: number;
  /** PGDATA inside the container. */
  readonly dataDirectory: string;
  /** The mount that holds PGDATA; absent where data lives in the container itself. */
  readonly dataMount: Mount | undefined;
  /** The identity of the data: `volume:<engine>/<name>` or `bind:<engine>/<path>`. What a lock is taken on. */
  readonly volumeKey: string;
  /** The folder `instances/<name>` with `config/instance.conf`, where one was found. */
  readonly folder: string | undefined;
  /** The keys of `instance.conf` without its password, read as data and never sourced. */
  readonly declared: Readonly<Record<string, string>>;
}

export interface SqlOptions {
  /** Default: the instance's own. */
  readonly database?: string;
  /** Values of `$1`, `$2`, … as text. */
  readonly values?: readonly string[];
  /** Default 1,000; more is cut and `truncated` is true. */
  readonly maxRows?: number;
  /** Default 5,000. */
  readonly timeoutMs?: number;
  /** Default: as the host finds it. `published`: only through a published port of this engine's machine. */
  readonly via?: 'published' | 'network' | 'exec';
}

/** Values are text as PostgreSQL prints them, the same whichever way the query went. */
export type SqlRow = Readonly<Record<string, string | null>>;

export type SqlResult =
  | { readonly ok: true; readonly rows: readonly SqlRow[]; readonly truncated: boolean; readonly via: SqlWay }
  | { readonly ok: false; readonly message: string; readonly sqlstate: string | undefined; readonly via: SqlWay };

/** A published port, the container's own address, or psql inside the container. */
export type SqlWay = 'published' | 'network' | 'exec';

/**
 * Names in a statement are found in `pg_catalog` alone, whatever the database's own search_path is: what is not the
 * server's own stands with its schema. Queries in READ ONLY transactions that are rolled back, with statement_timeout and lock_timeout. One statement
 * without `;`. A refusal is data: its message and SQLSTATE are evidence.
 */
export interface SqlReader {
  query(instance: Instance, sql: string, options?: SqlOptions): Promise<SqlResult>;
}

/** Text files under the allowed roots (the project's folder and what the config names), at most 1 MiB. */
export interface FileReader {
  readonly roots: readonly string[];
  /** `undefined` where there is none. */
  read(path: string): Promise<TextFile | undefined>;
  /** Names in a folder, sorted; empty where there is none. */
  list(path: string): Promise<readonly string[]>;
}

export interface TextFile {
  readonly path: string;
  readonly text: string;
  readonly sha256: string;
  /** Permission bits, such as 0o600. */
  readonly mode: number;
}

export interface PortProbe {
  readonly hostIp: string;
  readonly port: number;
  readonly free: boolean;
  /** `EADDRINUSE`, or the engine's words; empty when free. */
  readonly reason: string;
}

export interface ReachRequest {
  /** Name or address as the client uses it. */
  readonly host: string;
  readonly port: number;
  /** The instance expected there: its image runs the probe, and its credentials are used where none are given. */
  readonly instance: Instance;
  /** As the client itself logs in. */
  readonly login?: {
    readonly user: string;
    readonly database: string;
    /** Empty: none is sent. */
    readonly password: string;
    /** As libpq's; `verify-ca` and `verify-full` are asked as `require`, since the certificates are the client's. */
    readonly sslMode?: string;
  };
}

export interface ReachResult {
  readonly addresses: readonly string[];
  /** pg_isready's words. */
  readonly ready: string;
  readonly sql:
    | {
        readonly ok: true;
        readonly systemIdentifier: string;
        readonly serverAddress: string;
        readonly database: string;
      }
    | { readonly ok: false; readonly message: string };
}

/** What a program says over HTTP on its own loopback address. */
export interface PageResult {
  /** 0: no answer. */
  readonly status: number;
  /** The first 2,000 characters of the answer's body, or why there is none. */
  readonly text: string;
}

export interface SurveyEntry {
  /** Relative to the mount, `.` for the mount itself. */
  readonly path: string;
  /** As `find -printf %y`: f, d, l, s, p, b, c. */
  readonly type: string;
  readonly uid: number;
  readonly gid: number;
  /** Octal, such as `700`. */
  readonly mode: string;
  readonly links: number;
  /** Of a symbolic link. */
  readonly linkTarget: string;
}

export interface Survey {
  readonly entries: readonly SurveyEntry[];
  /** More entries than the bound (200,000). */
  readonly truncated: boolean;
}

export interface HoldRequest {
  readonly instance: Instance;
  readonly sessions: number;
  readonly seconds: number;
  /** Takes each session over, so that it has this role's rights: its password is not known. Default: nobody. */
  readonly role?: string;
  /** Default: the login's. */
  readonly database?: string;
  /** Default: the instance's own. */
  readonly login?: { readonly user: string; readonly database: string; readonly password: string };
  /** A pooler in front of the instance. Default: none. */
  readonly through?: { readonly container: Container; readonly port: number };
}

export interface HeldSessions {
  /** How many were open at once and ended as they should. */
  readonly held: number;
  /** Why the others were not; empty when all were. */
  readonly message: string;
}

/** `done`: the server read every file of its data; `failed`: it could not; `refused`: a backup could not be begun. */
export interface BackupProbe {
  readonly result: 'done' | 'failed' | 'refused';
  /** The server's words; empty when done. */
  readonly message: string;
}

/** What a program said of one database, its last 4 KiB. Without `exitCode`: its time was up, or it was not reached. */
export interface DatabaseProbe {
  readonly database: string;
  readonly exitCode?: number;
  readonly text: string;
}

/** What a container's control group counts since its start. Bytes. */
export interface MemoryUse {
  readonly usage: number;
  /** 0: none. */
  readonly limit: number;
  /** The most that was ever used; 0 where the kernel does not say. */
  readonly peak: number;
  /** Of the usage: page cache that nobody has asked for lately. */
  readonly inactiveFile: number;
  readonly anonymous: number;
  /** Shared memory: shared_buffers that were touched, and /dev/shm. */
  readonly shared: number;
  readonly oomKills: number;
  readonly shmSize: number;
  readonly shmUsed: number;
}

/** In the server's own units and without them, as `postgres -C` prints it: shared_buffers in 8 kB. */
export type FileSettings =
  | { readonly ok: true; readonly values: Readonly<Record<string, string>> }
  | { readonly ok: false; readonly message: string };

export interface MemoryLoadOptions {
  readonly clients: number;
  /** Beyond the first time; 0: each client once. */
  readonly seconds: number;
  /** That each sort and each side of a join has; one takes about 60 bytes. */
  readonly rows: number;
}

export interface MemoryLoad {
  /** Every client came to its end. */
  readonly ok: boolean;
  readonly transactions: number;
  /** What a client was told; empty when all went well. */
  readonly message: string;
}

export interface ReferenceRequest {
  /** The instance's own: its extensions are there, and its version decides. */
  readonly image: string;
  /** The superuser, and further roles that files may name. */
  readonly role: string;
  readonly roles: readonly string[];
  readonly database: string;
  /** In order; at most some megabytes together. */
  readonly files: readonly { readonly mode: 'tx' | 'nontx'; readonly sql: string }[];
  /** One SELECT that answers with one line. */
  readonly question: string;
}

export type ReferenceSchema =
  | { readonly ok: true; readonly answer: string }
  /** `file`: the place of the one that failed. */
  | { readonly ok: false; readonly file: number | undefined; readonly message: string };

/**
 * Questions that need a process near the object. Each is one named file under `host/probes`; what runs there is fixed,
 * in a labelled container without capabilities, with read-only mounts and bounded output, removed afterwards.
 */
export interface Probes {
  /** Whether these can be bound and listened on where the engine publishes ports, by the families Docker would bind. */
  portsFree(ports: readonly { readonly hostIp: string; readonly port: number }[]): Promise<readonly PortProbe[]>;
  /** Resolves, connects and queries from inside another container's network namespace. */
  reach(client: Container, request: ReachRequest): Promise<ReachResult>;
  /** GETs a page of the program in a container, from inside its network namespace, by an image that holds bash. */
  page(
    client: Container,
    request: { readonly port: number; readonly path: string; readonly image: string },
  ): Promise<PageResult>;
  /** Every entry of a volume or bind mount, read-only, by an image that holds GNU find. */
  survey(mount: Mount, image: string): Promise<Survey>;
  /** The numeric uid and gid of a user as the image knows it. */
  imageUser(image: string, user: string): Promise<{ readonly uid: number; readonly gid: number }>;
  /** A base backup that is thrown away: the server opens every file of its data. Not ended in time is `refused`. */
  baseBackup(instance: Instance, options?: { readonly timeoutMs?: number }): Promise<BackupProbe>;
  /** Runs migration files in an empty server of a throw-away container, and asks it. */
  referenceSchema(request: ReferenceRequest): Promise<ReferenceSchema>;
  /** Opens that many sessions at once from the clients' network, by pgbench of the server's image, and holds them. */
  holdSessions(request: HoldRequest): Promise<HeldSessions>;
  /** The titles of the server's processes in its container: role, database, client and state of every session. */
  serverTitles(instance: Instance): Promise<readonly string[]>;
  /** Private memory of each process that serves a session, in bytes, ascending. The instance must run. */
  backends(instance: Instance): Promise<readonly number[]>;
  /** The whole and the free bytes of the file system that holds a running instance's data. */
  dataSpace(instance: Instance): Promise<{ readonly size: number; readonly free: number } | undefined>;
  /** The counters of a running instance's control group; undefined where they cannot be read. */
  memoryUse(instance: Instance): Promise<MemoryUse | undefined>;
  /**
   * What the next start would take settings to be, by the files and the container's own options, with `candidates`
   * before them: whether it could read them at all.
   */
  fileSettings(
    instance: Instance,
    names: readonly string[],
    candidates?: Readonly<Record<string, string>>,
  ): Promise<FileSettings>;
  /** Fills shared_buffers with what is there, then sorts and hashes from several clients. Reads only. */
  memoryLoad(instance: Instance, options: MemoryLoadOptions): Promise<MemoryLoad>;
  /** pg_amcheck where the extension is installed, without locks that block writes. 2: damage; 1: could not check. */
  amcheck(
    instance: Instance,
    databases: readonly string[],
    options?: { readonly timeoutMs?: number },
  ): Promise<readonly DatabaseProbe[]>;
  /** A dump that is thrown away: every row of every table is read. */
  readRows(
    instance: Instance,
    databases: readonly string[],
    options?: { readonly timeoutMs?: number },
  ): Promise<readonly DatabaseProbe[]>;
}

/** What may be asked without changing anything. Enforced when it runs: the client behind it can only GET. */
export interface HostReader {
  readonly docker: DockerReader;
  readonly sql: SqlReader;
  readonly files: FileReader;
  readonly backups: BackupReader;
  readonly probes: Probes;
  /**
   * PostgreSQL containers, running or not, sorted by name; kept-aside and helper containers left out. `all`: those too
   * that the host was not opened for.
   */
  instances(options?: { readonly all?: true }): Promise<readonly Instance[]>;
  /** @throws ProblemsError `step-refused`: several containers go by this name; which one is meant cannot be told. */
  instance(name: string): Promise<Instance | undefined>;
  /** Aborted when the user stops the program or a deadline passes. */
  readonly signal: AbortSignal;
}

export interface ContainerSpec {
  /** As `POST /containers/create` takes it. */
  readonly config: { readonly [key: string]: Json };
  readonly name: string;
}

export interface EndpointSpec {
  readonly aliases?: readonly string[];
  readonly ipv4?: string;
  readonly ipv6?: string;
}

/** A short-lived container of ours with the least it needs; created, awaited and removed, volumes of its own included. */
export interface HelperSpec {
  readonly image: string;
  readonly command: readonly string[];
  readonly mounts?: readonly {
    readonly type: 'bind' | 'volume';
    readonly source: string;
    readonly target: string;
    readonly readonly: boolean;
  }[];
  /** Default `none`. A container's id: that container's network. A name: a network of the engine. */
  readonly network?: 'none' | 'host' | { readonly container: string } | { readonly name: string };
  /** A folder of its own on a throw-away volume. The engine removes both as soon as the container has ended. */
  readonly scratch?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly capabilities?: readonly string[];
  /** Default `0:0`. */
  readonly user?: string;
  readonly stdin?: string;
  /** Default 60,000. */
  readonly timeoutMs?: number;
  /** Of stdout and of stderr. Default 1 MiB. */
  readonly maxBytes?: number;
  /** Ends it before its time: it is removed, and the call fails. */
  readonly signal?: AbortSignal;
  /**
   * Work that is not begun anew when the process that waits for it has ended: whoever takes that process's run up waits
   * for this container. Every other one is ended then.
   */
  readonly goesOn?: true;
}

export interface HelperResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly truncated: boolean;
}

/** Changes to the engine. Whoever calls has asked before whether the change is still needed. */
export interface DockerChanger {
  updateRestartPolicy(ref: string, policy: RestartPolicy): Promise<void>;
  /** Bytes; `memorySwap` as Docker takes it. */
  updateMemory(ref: string, limits: { readonly memory: number; readonly memorySwap: number }): Promise<void>;
  /** SIGINT or the image's stop signal, then a wait; the engine kills after the time. No error if it is stopped. */
  stop(ref: string, options: { readonly timeoutSeconds: number }): Promise<void>;
  /** Refuses while another running container mounts one of its writable volumes. No error if it runs. */
  start(ref: string): Promise<void>;
  /**
   * Starts a container made with `OpenStdin` and `StdinOnce`, writes a text to its standard input, and waits until it
   * says something. For what must be in no argument, variable or label.
   */
  startWith(ref: string, stdin: string): Promise<void>;
  rename(ref: string, name: string): Promise<void>;
  /** Returns the id. */
  create(spec: ContainerSpec): Promise<string>;
  /** Never its volumes. Refuses a running one. */
  remove(ref: string): Promise<void>;
  connect(network: string, ref: string, endpoint: EndpointSpec): Promise<void>;
  disconnect(network: string, ref: string): Promise<void>;
  createVolume(name: string, labels: Readonly<Record<string, string>>): Promise<void>;
  runHelper(spec: HelperSpec): Promise<HelperResult>;
  /**
   * Ends helpers that carry this label and this value, left by a process that was killed or did not wait for them; those
   * that `goesOn` are left alone. They are gone when it returns.
   */
  endHelpers(label: string, value: string): Promise<void>;
}

export interface SqlChanger {
  /**
   * One statement, committed on its own. Text and values go over the wire or stdin, never into arguments. It is sent
   * once: where the connection is lost after that, the answer says so, and no other way is tried.
   */
  execute(instance: Instance, sql: string, options?: SqlOptions): Promise<SqlResult>;
  /**
   * One connection that stays, straight to the server.
   * @throws ProblemsError `engine-unreachable` where nobody answers yet, `step-refused` where the server refuses the
   * login or a pooler stands in between.
   */
  openSession(instance: Instance, options?: SessionOptions): Promise<SqlSession>;
}

export interface SessionOptions {
  /** Default: the instance's own. */
  readonly database?: string;
  /** `application_name`. Default `problem-registry`. */
  readonly application?: string;
  /** In place of the published port or the container's address: a tunnel, or a port forwarded by hand. */
  readonly address?: { readonly host: string; readonly port: number };
  /**
   * For how long a server may answer neither a query nor a new connection before the session counts as lost. Default
   * 60,000. A statement itself may take as long as it needs.
   */
  readonly silenceMs?: number;
}

/** Several statements on one connection: transactions over several calls, advisory locks of the session. */
export interface SqlSession {
  readonly via: SqlWay | 'address';
  /** The server's process at the other end. */
  readonly backend: number;
  /** One statement with values, or any number without, as the simple protocol takes them: then the last one's rows. */
  query(sql: string, values?: readonly string[]): Promise<SessionResult>;
  /** Ends it, and with it its locks and an open transaction. */
  close(): Promise<void>;
}

export type SessionResult =
  | { readonly ok: true; readonly rows: readonly SqlRow[] }
  | {
      readonly ok: false;
      readonly message: string;
      readonly sqlstate: string | undefined;
      readonly detail: string | undefined;
      /** Of the constraint or index that was violated. */
      readonly constraint: string | undefined;
      /** In the text that was sent, from 1. */
      readonly position: number | undefined;
      /** The connection is gone: nobody knows whether the statement took effect. */
      readonly lost: boolean;
    };

export interface FileChanger {
  /** A temporary file beside it, fsync, rename; the mode is kept (0600 for a new file). Refuses if `sha256` differs. */
  replace(path: string, text: string, expected: { readonly sha256: string | undefined }): Promise<void>;
  remove(path: string, expected: { readonly sha256: string }): Promise<void>;
}

/** Everything that changes something. Only actions are given one, and each call first asks whether the lock still holds. */
export interface HostChanger {
  readonly docker: DockerChanger;
  readonly sql: SqlChanger;
  readonly files: FileChanger;
  readonly backups: BackupChanger;
}
