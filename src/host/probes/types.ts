import type { Container, Mount } from '../docker/types.ts';
import type { Instance } from '../instance.ts';

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
