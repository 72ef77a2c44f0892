import type { SqlWay } from './types.ts';

/** Connections that are kept between two questions, so that the second one costs no login. */

export interface KeptConnection {
  readonly user: string;
  readonly database: string;
  readonly via: SqlWay;
  /** Process id of the server's backend, as the server announced it. */
  readonly backend: number;
  /** False once the server or the network has ended it. */
  isOpen(): boolean;
  close(): Promise<void>;
}

export interface ConnectionKeeper<Connection extends KeptConnection> {
  /**
   * Hands out the connection of a server: until it is kept again, it belongs to one question alone. One of another database
   * is closed first if the keeper `makesWay`, since a server has one slot for each connection.
   */
  take(server: string, login: { readonly user: string; readonly database: string }): Promise<Connection | undefined>;
  /** At most one for each server: a second one is closed. */
  keep(server: string, connection: Connection): void;
  /** Backends of the connections that are kept now. */
  backends(server: string): readonly number[];
  /** Closes all, also those that come back later. */
  close(): Promise<void>;
}

export interface KeeperOptions {
  /** A connection that nobody has used for this long is closed. */
  readonly idleMs: number;
  readonly makesWay: boolean;
}

/** `server` is the id of a container: the same server may be reached by several addresses. */
export function keepConnections<Connection extends KeptConnection>({
  idleMs,
  makesWay,
}: KeeperOptions): ConnectionKeeper<Connection> {
  const kept = new Map<string, { readonly connection: Connection; readonly timer: NodeJS.Timeout }>();
  let isClosed = false;

  function remove(server: string): Connection | undefined {
    const found = kept.get(server);
    if (found === undefined) return undefined;
    clearTimeout(found.timer);
    kept.delete(server);
    return found.connection;
  }

  return {
    async take(server, { user, database }) {
      const found = kept.get(server)?.connection;
      if (found === undefined) return undefined;
      const fits = found.isOpen() && found.user === user && found.database === database;
      if (!fits && found.isOpen() && !makesWay) return undefined;
      remove(server);
      if (fits) return found;
      await found.close();
      return undefined;
    },
    keep(server, connection) {
      if (isClosed || kept.has(server) || !connection.isOpen()) {
        void connection.close();
        return;
      }
      const timer = setTimeout(() => void remove(server)?.close(), idleMs).unref();
      kept.set(server, { connection, timer });
    },
    backends(server) {
      const found = kept.get(server);
      return found === undefined ? [] : [found.connection.backend];
    },
    async close() {
      isClosed = true;
      await Promise.all([...kept.keys()].map(async (server) => remove(server)?.close()));
    },
  };
}
