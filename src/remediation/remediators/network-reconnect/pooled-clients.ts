import type { Container } from '../../../host/docker/types.ts';
import type { Instance } from '../../../host/instance.ts';
import { isPoolerImage } from '../../shared/availability.ts';
import { type Evidence, type Finding, findingId, type ReadonlyHost, type Refusal } from '../../contract.ts';
import { refusal } from '../../shared/for-each-instance.ts';
import {
  type Address,
  addressesOf,
  type Answer,
  clientErrorOf,
  clientsOf,
  isAddress,
  namesOn,
  networksOf,
  ownAddresses,
  type World,
} from './clients.ts';
import type { NetworkDetails } from './types.ts';

/** A client that reaches its instance through a pooler that somebody else has put in front of it. */
export interface PooledClient {
  readonly container: Container;
  readonly address: Address;
  readonly pooler: Container;
  /** The one instance that the pooler connects to. */
  readonly instance: Instance;
}

/** Clients whose address names a running pooler on one of their networks. Pure; sorted as `clientsOf` is. */
export function pooledClientsOf(world: World): readonly PooledClient[] {
  const servers = new Map<Container, Set<Instance>>();
  for (const { container, instance } of clientsOf(world))
    if (isPoolerImage(container.imageName))
      servers.set(container, (servers.get(container) ?? new Set<Instance>()).add(instance));
  const instances = new Set(world.instances.map(({ container }) => container.id));
  return world.containers
    .filter(({ id, state, imageName }) => state.running && !instances.has(id) && !isPoolerImage(imageName))
    .flatMap((container) =>
      addressesOf(container).flatMap((address) =>
        [...servers].flatMap(([pooler, fronted]) => {
          const [instance, ...others] = fronted;
          if (instance?.container.state.status !== 'running' || others.length > 0) return [];
          if (!isAt(container, address, pooler)) return [];
          return [{ container, address, pooler, instance }];
        }),
      ),
    );
}

function isAt(client: Container, { host }: Address, pooler: Container): boolean {
  if (isAddress(host)) return ownAddresses(pooler).includes(host);
  return networksOf(client).some((network) => namesOn(pooler, network).includes(host));
}

/** Undefined if it gets an answer through the pooler, or if its password is not known. */
export async function findingOfPooled(
  { container, address, pooler, instance }: PooledClient,
  host: ReadonlyHost,
): Promise<Finding<NetworkDetails> | undefined> {
  const { host: name, port, user, password, sslMode, source } = address;
  if (user === undefined || password === undefined || container.state.status === 'restarting') return undefined;
  const login = { user, database: address.database ?? user, password, ...(sslMode === undefined ? {} : { sslMode }) };
  const { sql } = await host.probes.reach(container, { host: name, port, instance, login });
  if (sql.ok || clientErrorOf(sql.message) === 'starting') return undefined;
  const evidence: readonly Evidence[] = [{ type: 'message', text: sql.message }];
  return {
    id: findingId('network-reconnect', instance.name, 'pooler-refuses', container.name),
    remediator: 'network-reconnect',
    instance: instance.name,
    kind: 'pooler-refuses',
    summary: `${container.name} reaches ${instance.container.name} through the pooler ${pooler.name}, and gets no session there as ${user}.`,
    risk: 'safe',
    evidence,
    details: { client: container.id, clientName: container.name, source, host: name, port, trouble: 'pooler-refuses' },
    problem: null,
  };
}

/** What somebody else's pooler needs is in its own config. */
export function refusePooled(
  { details, evidence }: Finding<NetworkDetails>,
  client: PooledClient | undefined,
): Refusal {
  if (client === undefined)
    return refusal(`${details.clientName} has changed since it was checked.`, 'Run `problems detect` again.');
  const { pooler, instance, address } = client;
  const said = evidence.find((one) => one.type === 'message')?.text ?? '';
  // PgBouncer's words.
  const answer = /SASL authentication failed/.test(said) ? 'password-refused' : clientErrorOf(said);
  return refusal(
    `The pooler ${pooler.name} was not made by this tool, so its config is left alone.`,
    `${adviceFor(answer, pooler.name, instance, address)} Its own words: docker logs --tail 50 ${pooler.name}`,
  );
}

function adviceFor(answer: Answer, pooler: string, { container, port }: Instance, address: Address): string {
  switch (answer) {
    case 'password-refused':
    case 'role-missing':
      return `Add the user ${address.user ?? ''} with its verifier to the user list of ${pooler} (auth_file), or set auth_query, and reload it.`;
    case 'database-missing':
      return `Add the database ${address.database ?? address.user ?? ''} to the [databases] of ${pooler}, with host=${container.name} port=${port}.`;
    case 'refused':
    case 'no-answer':
    case 'no-such-name':
      return `Check that ${pooler} listens on port ${address.port} (listen_port, listen_addr) and shares a network with the client.`;
    default:
      return `Check the limits of ${pooler} (max_client_conn, default_pool_size) and its way to ${container.name}:${port}.`;
  }
}
