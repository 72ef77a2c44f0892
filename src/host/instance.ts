import type { Container, Mount } from './docker/types.ts';

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
  /** The mount that contains PGDATA; undefined if the data is in the container itself. */
  readonly dataMount: Mount | undefined;
  /** The identity of the data: `volume:<engine>/<name>` or `bind:<engine>/<path>`. Locks are taken on it. */
  readonly volumeKey: string;
  /** The folder `instances/<name>` with `config/instance.conf`, if there is one. */
  readonly folder: string | undefined;
  /** The keys of `instance.conf` without its password, read as data and never sourced. */
  readonly declared: Readonly<Record<string, string>>;
}
