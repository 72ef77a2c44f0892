import type { Json } from '../../util/json.ts';
import type { HelperTaskName } from './helper-tasks.ts';

/** The Docker Engine. Its `id` (`GET /info`.ID) does not change; leases and locks are kept under it. */
export interface EngineInfo {
  readonly id: string;
  readonly version: string;
  readonly operatingSystem: string;
  /** As the engine reports them: `name=userns`, `name=rootless`, `name=selinux`, … */
  readonly securityOptions: readonly string[];
  readonly memoryBytes: number;
  readonly cpus: number;
  /** The engine runs on this machine (a Unix socket), so ports can be probed directly. */
  readonly local: boolean;
}

/** A port as declared in `HostConfig.PortBindings`, ranges and empty ports included. */
export interface PortBinding {
  readonly containerPort: number;
  readonly protocol: string;
  /** Empty: all addresses, IPv4 and IPv6. */
  readonly hostIp: string;
  /** `5434`, a range such as `5460-5462`, or empty if the engine chooses one at each start. */
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
  /** A volume that neither `Binds` nor `Mounts` names. Recreating the container loses it unless it is bound by name. */
  readonly anonymous: boolean;
}

export interface Endpoint {
  readonly network: string;
  readonly networkId: string;
  readonly aliases: readonly string[];
  readonly ipv4: string;
  readonly ipv6: string;
  /** Addresses that were requested, not assigned: a new endpoint must request them again. */
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
  /** RFC 3339, as the engine reports it. */
  readonly startedAt: string;
  readonly finishedAt: string;
  /** `starting`, `healthy`, `unhealthy`; empty without a health check. */
  readonly health: string;
}

/** A container, running or not. `env` and `inspect` may contain secrets: never print or store them. */
export interface Container {
  readonly id: string;
  /** Without the leading slash. */
  readonly name: string;
  /** The image's id. */
  readonly image: string;
  /** The image name that the container was created with. */
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
  /** Declared in `HostConfig.PortBindings`, also by stopped containers. */
  readonly portBindings: readonly PortBinding[];
  /** Currently bound (`NetworkSettings.Ports`). Empty unless the container is running. */
  readonly publishedPorts: readonly PortBinding[];
  readonly mounts: readonly Mount[];
  readonly endpoints: readonly Endpoint[];
  /** Bytes; 0: no limit. */
  readonly memory: number;
  readonly shmSize: number;
  /** How often the engine has restarted it since its last manual start. Absent: never. */
  readonly restarts?: number;
  /** A short-lived container of this tool. */
  readonly helper?: true;
  /**
   * CPU quota in CPUs, fractions included; 0: no quota. `nproc` inside the container shows the machine's CPUs
   * (docs/engineering/memory.md#cpu-quota).
   */
  readonly cpus: number;
  /** The engine's whole answer, for values without a property here. */
  readonly inspect: Json;
}

/** What a list of containers tells without asking about each. */
export type ListedContainer = Pick<Container, 'id' | 'name' | 'labels'>;

export interface RestartPolicy {
  /** Empty as `no`. */
  readonly name: string;
  readonly maximumRetryCount: number;
}

export interface Image {
  readonly id: string;
  readonly tags: readonly string[];
  /** Its containers have them too, unless they set others. */
  readonly labels: Readonly<Record<string, string>>;
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
  /** RFC 3339 with nanoseconds; empty if the log driver records no time. */
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

/** What a running container uses, as `docker stats` counts it. In bytes. */
export interface ContainerStats {
  /** Without the file cache that the kernel can drop. */
  readonly memory: number;
  /** That of the machine if the container has none. */
  readonly memoryLimit: number;
}

/** A path outside volumes that differs from the image. */
export interface Change {
  readonly path: string;
  readonly kind: 'changed' | 'added' | 'deleted';
}

export interface LogOptions {
  readonly tail?: number;
  /** RFC 3339. */
  readonly since?: string;
}

/** Reads from the engine. Every call has a deadline. An object that does not exist is `undefined`. */
export interface DockerReader {
  info(): Promise<EngineInfo>;
  /** All containers, stopped ones included, sorted by name. */
  containers(): Promise<readonly Container[]>;
  /** By id or name. */
  container(ref: string): Promise<Container | undefined>;
  /** Names and labels of all containers, which takes one request. */
  list(): Promise<readonly ListedContainer[]>;
  image(ref: string): Promise<Image | undefined>;
  networks(): Promise<readonly Network[]>;
  network(ref: string): Promise<Network | undefined>;
  volumes(): Promise<readonly Volume[]>;
  volume(name: string): Promise<Volume | undefined>;
  /** The last lines, oldest first. Default: 200 lines; at most 4 MiB. */
  logs(ref: string, options?: LogOptions): Promise<readonly LogLine[]>;
  /** Events between two times (RFC 3339): the last 1,000, without those of exec. */
  events(window: { readonly since: string; readonly until: string }): Promise<readonly EngineEvent[]>;
  /**
   * Calls `onEvent` with each event of a container from `since` on (RFC 3339), without those of exec. Rejects when the
   * connection ends: `engine-unreachable`, or the reason of `signal`.
   */
  follow(
    request: { readonly since: string; readonly signal: AbortSignal },
    onEvent: (event: EngineEvent) => void,
  ): Promise<never>;
  /** Undefined if the container is not running. */
  stats(ref: string): Promise<ContainerStats | undefined>;
  changes(ref: string): Promise<readonly Change[]>;
  /** The command lines of a running container, as the engine's `ps` shows them: at most 500 of at most 4,096 characters. */
  processes(ref: string): Promise<readonly string[]>;
  /** A file in a container, running or not, volumes included. Undefined if it does not exist; at most 2 MiB. */
  file(ref: string, path: string): Promise<Uint8Array | undefined>;
}

export interface ContainerSpec {
  /** The body of `POST /containers/create`. */
  readonly config: { readonly [key: string]: Json };
  readonly name: string;
}

export interface EndpointSpec {
  readonly aliases?: readonly string[];
  readonly ipv4?: string;
  readonly ipv6?: string;
}

/** A short-lived container with the fewest rights it needs. It and its own volumes are removed when it ends. */
export interface HelperSpec {
  /** Decides its capabilities, network and limits. */
  readonly task: HelperTaskName;
  readonly image: string;
  readonly command: readonly string[];
  readonly mounts?: readonly {
    readonly type: 'bind' | 'volume';
    readonly source: string;
    readonly target: string;
    readonly readonly: boolean;
  }[];
  /** For tasks that have one: the network namespace of that container, or a network of the engine. */
  readonly network?: { readonly container: string } | { readonly name: string };
  /** Path of a folder on a temporary volume, which is removed with the container. */
  readonly scratch?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Paths that get an empty read-only folder instead of the volume that the image declares there. */
  readonly closed?: readonly string[];
  /** For tasks that run as a named user, and for no others. */
  readonly user?: string;
  /** A text, or parts that are read as fast as the command reads them. */
  readonly stdin?: string | AsyncIterable<Uint8Array>;
  /** Default 60,000. */
  readonly timeoutMs?: number;
  /** Of stdout and of stderr. Default 1 MiB. */
  readonly maxBytes?: number;
  /** Removes the container, and the call fails. */
  readonly signal?: AbortSignal;
  /**
   * The helper outlives a process that is killed while it waits for it: the process that resumes the run waits for this
   * container. All other helpers are removed then.
   */
  readonly goesOn?: true;
}

export interface HelperResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly truncated: boolean;
}

/** Changes in the engine. Callers check first whether the change is still needed. */
export interface DockerChanger {
  updateRestartPolicy(ref: string, policy: RestartPolicy): Promise<void>;
  /** In bytes; `memorySwap` counts memory and swap together. */
  updateMemory(ref: string, limits: { readonly memory: number; readonly memorySwap: number }): Promise<void>;
  /** Sends the stop signal, and SIGKILL after the timeout. No error if the container is stopped already. */
  stop(ref: string, options: { readonly timeoutSeconds: number }): Promise<void>;
  /** Refuses if another running container writes to the same data. No error if the container is running already. */
  start(ref: string): Promise<void>;
  /**
   * Starts a container that was created with `OpenStdin` and `StdinOnce`, writes a text to its standard input, and waits for
   * its first output. For secrets, which must not be in an argument, a variable or a label.
   */
  startWith(ref: string, stdin: string): Promise<void>;
  rename(ref: string, name: string): Promise<void>;
  /** Returns the id. */
  create(spec: ContainerSpec): Promise<string>;
  /** Keeps its volumes. Refuses a running container. */
  remove(ref: string): Promise<void>;
  connect(network: string, ref: string, endpoint: EndpointSpec): Promise<void>;
  disconnect(network: string, ref: string): Promise<void>;
  createVolume(name: string, labels: Readonly<Record<string, string>>): Promise<void>;
  runHelper(spec: HelperSpec): Promise<HelperResult>;
  /**
   * Removes helpers with this label and value that a process has left behind. Those with `goesOn` stay. Returns when they
   * are gone.
   */
  endHelpers(label: string, value: string): Promise<void>;
}
