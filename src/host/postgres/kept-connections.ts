import type { SqlWay } from './types.ts';

/** Connections that are kept between two questions, so that the second one costs no login. */

export interface KeptConnection {
  readonly user: string;
  readonly database: string;
  readonly via: SqlWay;
  /** False once the server or the network has ended it. */
  isOpen(): boolean;
  close(): Promise<void>;
}

export interface ConnectionKeeper<Connection extends KeptConnection> {
  /**
   * Hands out a connection of a server: until it is kept again, it belongs to one question alone. If there is none for this
   * login, and as many are kept as may be, one is closed to make way for it.
   */
  take(server: string, login: { readonly user: string; readonly database: string }): Promise<Connection | undefined>;
  /** One too many is closed. */
  keep(server: string, connection: Connection): void;
  /** Closes the connections of a server that has no slot left. Returns how many there were. */
  release(server: string): Promise<number>;
  /** Closes all, also those that come back later. */
  close(): Promise<void>;
}

export interface KeeperOptions {
  /** A connection that nobody has used for this long is closed. */
  readonly idleMs: number;
  /** How many are kept for each server. The first one stays, since most questions go to one database. */
  readonly most: number;
  /** Whether a connection is closed for one of another login. Default true. */
  readonly makesWay?: boolean;
}

interface Kept<Connection> {
  readonly connection: Connection;
  readonly timer: NodeJS.Timeout;
}

/** `server` is the id of a container: the same server may be reached by several addresses. */
export function keepConnections<Connection extends KeptConnection>({
  idleMs,
  most,
  makesWay = true,
}: KeeperOptions): ConnectionKeeper<Connection> {
  const kept = new Map<string, readonly Kept<Connection>[]>();
  const firsts = new Map<string, Connection>();
  let isClosed = false;

  /** Removes those that are chosen, and all that have ended. */
  function remove(server: string, isChosen: (connection: Connection) => boolean): readonly Connection[] {
    const all = kept.get(server) ?? [];
    const removed = all.filter(({ connection }) => isChosen(connection));
    const left = all.filter((one) => !removed.includes(one) && one.connection.isOpen());
    for (const one of all) if (!left.includes(one)) clearTimeout(one.timer);
    if (left.length === 0) kept.delete(server);
    else kept.set(server, left);
    return removed.map(({ connection }) => connection);
  }

  async function release(server: string): Promise<number> {
    const released = remove(server, () => true);
    await Promise.all(released.map(async (connection) => connection.close()));
    return released.length;
  }

  return {
    async take(server, { user, database }) {
      remove(server, (connection) => !connection.isOpen());
      const all = (kept.get(server) ?? []).map(({ connection }) => connection);
      const fitting = all.find((connection) => connection.user === user && connection.database === database);
      if (fitting !== undefined) return remove(server, (connection) => connection === fitting)[0];
      const other = all.findLast((connection) => connection !== firsts.get(server)) ?? all.at(-1);
      if (!makesWay || other === undefined || all.length < most) return undefined;
      remove(server, (connection) => connection === other);
      await other.close();
      return undefined;
    },
    keep(server, connection) {
      const others = kept.get(server) ?? [];
      if (isClosed || others.length >= most || !connection.isOpen()) {
        void connection.close();
        return;
      }
      if (firsts.get(server)?.isOpen() !== true) firsts.set(server, connection);
      const timer = setTimeout(() => {
        for (const idle of remove(server, (one) => one === connection)) void idle.close();
      }, idleMs).unref();
      kept.set(server, [...others, { connection, timer }]);
    },
    release,
    async close() {
      isClosed = true;
      await Promise.all([...kept.keys()].map(release));
    },
  };
}
