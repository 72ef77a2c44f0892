import type { Json } from '../../util/json.ts';

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
  /**
   * How many CPUs' time it may use, fractions too; 0: no quota. What `nproc` says inside is the machine's
   * (docs/engineering/memory.md#cpu-quota).
   */
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
