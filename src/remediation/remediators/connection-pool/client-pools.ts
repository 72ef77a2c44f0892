import { serviceNameOf } from '../../../compose/project.ts';
import type { Container } from '../../../host/docker/types.ts';
import type { Instance } from '../../../host/instance.ts';
import { isPoolerImage } from '../../shared/availability.ts';

/** A client that runs in a container of this engine. */
export interface ClientPlace {
  /** `container shop-web-1 (Compose service web)`. */
  readonly words: string;
  /** It pools connections itself, for clients of its own. */
  readonly isPooler: boolean;
  /** Where the size of its pool is set, if that is known. */
  readonly setting: string | undefined;
}

interface Client {
  readonly client: string;
  readonly application: string;
}

/**
 * Where well-known programs take the size of their pool from: a variable of the container, found by the name of its image.
 * From the documentation of each program.
 */
const variables: readonly (readonly [RegExp, string])[] = [
  [/keycloak/i, 'KC_DB_POOL_MAX_SIZE'],
  [/postgrest/i, 'PGRST_DB_POOL'],
  [/hasura|graphql-engine/i, 'HASURA_GRAPHQL_PG_CONNECTIONS'],
  [/grafana/i, 'GF_DATABASE_MAX_OPEN_CONN'],
  [/gitea/i, 'GITEA__database__MAX_OPEN_CONNS'],
  [/forgejo/i, 'FORGEJO__database__MAX_OPEN_CONNS'],
  [/n8n/i, 'DB_POSTGRESDB_POOL_SIZE'],
  [/metabase/i, 'MB_APPLICATION_DB_MAX_CONNECTION_POOL_SIZE'],
  [/mattermost/i, 'MM_SQLSETTINGS_MAXOPENCONNS'],
  [/mastodon/i, 'DB_POOL'],
  [/airflow/i, 'AIRFLOW__DATABASE__SQL_ALCHEMY_POOL_SIZE'],
];

/** Variables that programs of several makers share: they count if the container has them. */
const shared = ['SPRING_DATASOURCE_HIKARI_MAXIMUM_POOL_SIZE', 'DB_POOL', 'DB_POOL_SIZE', 'RAILS_MAX_THREADS'];

/** The same by `application_name`, for programs that set one. */
const applications: readonly (readonly [RegExp, string])[] = [
  [/^PostgreSQL JDBC Driver$/, 'maximumPoolSize of HikariCP (spring.datasource.hikari.maximum-pool-size)'],
  [/^(?:puma|sidekiq|rails|bin\/rails|unicorn|solid_queue)/, 'pool in config/database.yml'],
  [/^odoo-/, 'db_maxconn in odoo.conf'],
];

/**
 * Clients of an instance by the address that its server sees. Only containers on a network of the instance: others come
 * through the published port, from an address of the engine.
 */
export function placesOf(
  { container: server }: Pick<Instance, 'container'>,
  containers: readonly Container[],
): ReadonlyMap<string, ClientPlace> {
  const networks = new Set(server.endpoints.map(({ network }) => network));
  return new Map(
    containers
      .filter(({ id, state }) => id !== server.id && state.running)
      .flatMap((container) =>
        container.endpoints
          .filter(({ network }) => networks.has(network))
          .flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6])
          .filter((address) => address !== '')
          .map((address) => [address, placeOf(container)] as const),
      ),
  );
}

function placeOf({ name, labels, imageName, env }: Container): ClientPlace {
  const service = serviceNameOf(labels);
  const isPooler = isPoolerImage(imageName);
  const variable =
    variables.find(([image]) => image.test(imageName))?.[1] ?? shared.find((one) => Object.hasOwn(env, one));
  const now = variable === undefined ? '' : (env[variable] ?? '');
  const setting = isPooler
    ? `default_pool_size and server_idle_timeout of ${name}`
    : variable === undefined
      ? undefined
      : `${variable} of ${name}${/^\d{1,6}$/.test(now) ? `, ${now} now` : ''}`;
  return {
    words: `container ${name}${service === undefined ? '' : ` (Compose service ${service.slice(0, 64)})`}`,
    isPooler,
    setting,
  };
}

/** Where the pools of these sessions are made smaller, each place once; empty if none is known. */
export function sizeSettings(sessions: readonly Client[], places: ReadonlyMap<string, ClientPlace>): readonly string[] {
  const found = sessions.flatMap(({ client, application }) => {
    const setting = places.get(client)?.setting ?? applications.find(([pattern]) => pattern.test(application))?.[1];
    return setting === undefined ? [] : [setting];
  });
  return [...new Set(found)].sort();
}

/** What to do in the clients, as a sentence. */
export function smallerPools(sessions: readonly Client[], places: ReadonlyMap<string, ClientPlace>): string {
  const known = sizeSettings(sessions, places).slice(0, 5);
  return known.length === 0
    ? 'Make the pools of these clients smaller, or let them close idle connections.'
    : `Make their pools smaller: ${known.join('; ')}.`;
}
