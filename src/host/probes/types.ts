import type { Container, Mount } from '../docker/types.ts';
import type { Instance } from '../instance.ts';
import type { ServerProcess } from '../postgres/types.ts';

export interface PortProbe {
  readonly hostIp: string;
  readonly port: number;
  readonly free: boolean;
  /** `EADDRINUSE`, or the engine's message; empty if the port is free. */
  readonly reason: string;
}

export interface ReachRequest {
  /** Name or address that the client uses. */
  readonly host: string;
  readonly port: number;
  /** The instance expected there. Its image runs the probe; its credentials are the default. */
  readonly instance: Instance;
  /** How the client logs in. */
  readonly login?: {
    readonly user: string;
    readonly database: string;
    /** Empty: no password is sent. */
    readonly password: string;
    /** As in libpq. `verify-ca` and `verify-full` are tried as `require`, since only the client has the certificates. */
    readonly sslMode?: string;
  };
}

export interface ReachResult {
  readonly addresses: readonly string[];
  /** The output of pg_isready. */
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

/** The answer of a program over HTTP on its own loopback address. */
export interface HttpAnswer {
  /** 0: no answer. */
  readonly status: number;
  /** The first 2,000 characters of the body, or why there is no answer. */
  readonly text: string;
}

/** The file system with the data of an instance, in bytes. */
export interface DiskUse {
  readonly size: number;
  readonly free: number;
  /** Folders of the data directory, such as `pg_wal`, that are on it. */
  readonly folders: Readonly<Record<string, number>>;
  /** WAL files that wait for the archive. */
  readonly waiting: number;
  /** Names of the replication slots. */
  readonly slots: readonly string[];
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
  /** There are more than 200,000 entries. */
  readonly truncated: boolean;
}

export interface HoldRequest {
  readonly instance: Instance;
  readonly sessions: number;
  readonly seconds: number;
  /** Gives each session the rights of this role, whose password is not known. Default: those of the login. */
  readonly role?: string;
  /** Default: the login's. */
  readonly database?: string;
  /** Default: the instance's own. */
  readonly login?: { readonly user: string; readonly database: string; readonly password: string };
  /** A pooler in front of the instance. Default: none. */
  readonly through?: { readonly container: Container; readonly port: number };
}

export interface HeldSessions {
  /** How many sessions were open at once and ended without an error. */
  readonly held: number;
  /** Why the others failed; empty if none did. */
  readonly message: string;
}

/** `done`: the server read all files of its data; `failed`: it could not; `refused`: the backup did not start or did not finish. */
export interface BackupProbe {
  readonly result: 'done' | 'failed' | 'refused';
  /** The server's message; empty if done. */
  readonly message: string;
}

/** The last 4 KiB of a program's output for one database. Without `exitCode`: it timed out or did not run. */
export interface DatabaseProbe {
  readonly database: string;
  readonly exitCode?: number;
  readonly text: string;
}

/** Counters of a container's control group since its start, in bytes. */
export interface MemoryUse {
  readonly usage: number;
  /** 0: no limit. */
  readonly limit: number;
  /** The highest usage; 0 if the kernel does not record it. */
  readonly peak: number;
  /** Part of the usage: page cache that was not used recently. */
  readonly inactiveFile: number;
  readonly anonymous: number;
  /** Shared memory: used shared_buffers and /dev/shm. */
  readonly shared: number;
  readonly oomKills: number;
  readonly shmSize: number;
  readonly shmUsed: number;
}

/** Values as `postgres -C` prints them, without units: shared_buffers in pages of 8 kB. */
export type FileSettings =
  | { readonly ok: true; readonly values: Readonly<Record<string, string>> }
  | { readonly ok: false; readonly message: string };

export interface MemoryLoadOptions {
  readonly clients: number;
  /** How long to go on after each client has run once. */
  readonly seconds: number;
  /** Rows of each sort and of each side of a join; a row takes about 60 bytes. */
  readonly rows: number;
}

export interface MemoryLoad {
  /** All clients finished. */
  readonly ok: boolean;
  readonly transactions: number;
  /** The error of a client; empty if there was none. */
  readonly message: string;
}

export interface ReferenceRequest {
  /** The instance's image, which has its extensions and its version. */
  readonly image: string;
  /** The superuser. `roles`: further roles that the files may name. */
  readonly role: string;
  readonly roles: readonly string[];
  readonly database: string;
  /** In order; a few megabytes in total. */
  readonly files: readonly { readonly mode: 'tx' | 'nontx'; readonly sql: string }[];
  /** A SELECT that returns one line. */
  readonly question: string;
}

export type ReferenceSchema =
  | { readonly ok: true; readonly answer: string }
  /** `file`: the index of the file that failed. */
  | { readonly ok: false; readonly file: number | undefined; readonly message: string };

/**
 * Questions that need a process close to what they are about: exec in a container, or a helper without capabilities, with
 * read-only mounts and bounded output. The programs that run are fixed; values come on standard input.
 */
export interface Probes {
  /** Whether the engine could publish these ports: they are bound in the address families that Docker would bind. */
  portsFree(ports: readonly { readonly hostIp: string; readonly port: number }[]): Promise<readonly PortProbe[]>;
  /** Resolves a name, connects and queries, all in the network namespace of a client's container. */
  reach(client: Container, request: ReachRequest): Promise<ReachResult>;
  /** Requests a page of the program in a container, in its network namespace. `image` must contain bash. */
  httpGet(
    client: Container,
    request: { readonly port: number; readonly path: string; readonly image: string },
  ): Promise<HttpAnswer>;
  /**
   * All entries of a volume or bind mount, which is mounted read-only. `image` must contain find. `inside`: the id of a
   * running container that has this mount, which is quicker.
   */
  survey(mount: Mount, image: string, options?: { readonly inside?: string }): Promise<Survey>;
  /** The uid and gid of a user in an image. */
  imageUser(image: string, user: string): Promise<{ readonly uid: number; readonly gid: number }>;
  /** Takes a base backup and discards it: the server reads all files of its data. A timeout is `refused`. */
  baseBackup(instance: Instance, options?: { readonly timeoutMs?: number }): Promise<BackupProbe>;
  /** Runs migration files in an empty server in a temporary container, then queries it. */
  referenceSchema(request: ReferenceRequest): Promise<ReferenceSchema>;
  /** Opens sessions from the clients' network, with pgbench of the server's image, and holds them all at once. */
  holdSessions(request: HoldRequest): Promise<HeldSessions>;
  /** The server's processes, which can be read even if no more sessions fit. Sorted by pid. */
  serverProcesses(instance: Instance): Promise<readonly ServerProcess[]>;
  /** Private memory of each process that serves a session, in bytes, ascending. The instance must be running. */
  sessionMemory(instance: Instance): Promise<readonly number[]>;
  /** Size and free space, in bytes, of the file system with the data of a running instance. */
  dataSpace(instance: Instance): Promise<{ readonly size: number; readonly free: number } | undefined>;
  /** What fills that file system, also of an instance that is down; undefined if it could not be read. */
  diskUse(instance: Instance): Promise<DiskUse | undefined>;
  /** The counters of a running instance's control group; undefined if they cannot be read. */
  memoryUse(instance: Instance): Promise<MemoryUse | undefined>;
  /**
   * The settings that the next start would use, from the files and the container's options, with `candidates` before them.
   * Fails if the server could not read them.
   */
  fileSettings(
    instance: Instance,
    names: readonly string[],
    candidates?: Readonly<Record<string, string>>,
  ): Promise<FileSettings>;
  /** Fills shared_buffers with existing data, then sorts and hashes in several clients. Only reads. */
  memoryLoad(instance: Instance, options: MemoryLoadOptions): Promise<MemoryLoad>;
  /** Runs pg_amcheck, without locks that block writes. Exit code 2: damage or an error of the server; 1: could not check. */
  amcheck(
    instance: Instance,
    databases: readonly string[],
    options?: { readonly timeoutMs?: number },
  ): Promise<readonly DatabaseProbe[]>;
  /** Dumps to /dev/null, which reads all rows of all tables. */
  readRows(
    instance: Instance,
    databases: readonly string[],
    options?: { readonly timeoutMs?: number },
  ): Promise<readonly DatabaseProbe[]>;
}
