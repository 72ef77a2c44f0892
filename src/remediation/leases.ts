/** A port leased to an instance. `reserved` expires; `bound` belongs to an existing container and does not expire. */
export interface PortLease {
  /** The engine's id. */
  readonly host: string;
  readonly port: number;
  readonly instance: string;
  readonly state: 'reserved' | 'bound';
  /** The process that took the lease: `pid <number>`. */
  readonly owner: string;
  readonly token: number;
  /** RFC 3339; null when bound. */
  readonly expiresAt: string | null;
}

/** What remediators see of the leases. */
export interface LeaseReader {
  /** Live ones of this engine, sorted by port. */
  list(): Promise<readonly PortLease[]>;
}

/**
 * What actions can do with leases. All processes that use the same state file see the same leases, and each call is one
 * commit, so two processes never get the same port.
 */
export interface LeaseChanger {
  /**
   * Leases the first free one of the ports, in the given order, to the instance. An instance that already has a lease
   * keeps its port for at least the full time from now on. `undefined`: none is free.
   */
  take(request: {
    readonly instance: string;
    readonly ports: readonly number[];
    readonly ttlMs: number;
  }): Promise<PortLease | undefined>;
  /** The container exists: the lease no longer expires. */
  bind(port: number, instance: string): Promise<void>;
  release(port: number, instance: string): Promise<void>;
  /**
   * Sets the instance's lease to exactly this one, or none, for undo. An expired lease counts as none. Refuses a port
   * that is leased to another instance.
   */
  put(instance: string, lease: PortLease | null): Promise<void>;
}
