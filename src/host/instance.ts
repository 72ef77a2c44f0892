import type { Container, Mount } from './docker/types.ts';

/**
 * What ties a container to its instance's name: `label`, a label alone, which anyone who starts a container can set; `name`,
 * the container's own name; `confirmed`, its data or another folder of it is in the instance's folder, or its own name and
 * its own label agree. Only a confirmed one gets the password of `instance.conf`.
 */
export type InstanceIdentity = 'label' | 'name' | 'confirmed';

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
  /** Default `label`. */
  readonly identity?: InstanceIdentity;
  /** The folder `instances/<name>` with `config/instance.conf`, if there is one. Undefined if only a label says the name. */
  readonly folder: string | undefined;
  /** The keys of `instance.conf` without its password, read as data and never sourced. Empty if `folder` is undefined. */
  readonly declared: Readonly<Record<string, string>>;
}
