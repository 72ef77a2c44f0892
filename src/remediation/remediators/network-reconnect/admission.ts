import type { Container, Network } from '../../../host/docker/types.ts';
import { answering } from './networks.ts';
import { type Client, clientsOf, type World } from './observe.ts';
import type { NetworkSettings } from './settings.ts';

/** Why a client must not be put on a network by a program, a sentence; undefined where it may. PGOPS §7.2, §9.2. */
export function objectionTo(
  network: string,
  { container, instance, address }: Client,
  world: World & { readonly networks: readonly Network[] },
  { sharedNetworks }: NetworkSettings,
): string | undefined {
  const [found, ...others] = world.networks.filter(({ name }) => name === network);
  if (found === undefined) return `There is no network ${network} any more.`;
  if (others.length > 0) return `There are ${others.length + 1} networks called ${network}.`;
  if (found.driver !== 'bridge')
    return `${network} is a network of the driver ${found.driver}, which may span machines.`;
  if (found.internal) return `${network} is closed to the outside on purpose (internal).`;
  const rival = answering(address.host, network, world.containers).find(({ id }) => id !== instance.container.id);
  if (rival !== undefined) return `${rival.name} answers to the name ${address.host} on ${network}.`;
  if (sharedNetworks.includes(network) || declaredNetworks(instance.declared).includes(network)) return undefined;
  const tenants = tenantsOf(network, [container.id, instance.container.id], world);
  const shown = tenants.slice(0, 3).map(({ name }) => name);
  return tenants.length === 0
    ? undefined
    : `Other programs are on ${network} (${shown.join(', ')}${tenants.length > 3 ? ' and more' : ''}), which ${container.name} would see and be seen by.`;
}

/** Containers on a network that are neither instances nor their clients. */
function tenantsOf(network: string, except: readonly string[], world: World): readonly Container[] {
  const family = new Set([
    ...except,
    ...world.instances.map(({ container }) => container.id),
    ...clientsOf(world).map(({ container }) => container.id),
  ]);
  return world.containers.filter(
    ({ id, name, state, endpoints }) =>
      state.running &&
      !family.has(id) &&
      !/vrooli-(?:postgres|pgweb)-/.test(name) &&
      endpoints.some((endpoint) => endpoint.network === network),
  );
}

/** `networks` of `instance.conf`: where the instance and its GUI are meant to be. */
function declaredNetworks({ networks = '' }: Readonly<Record<string, string>>): readonly string[] {
  return networks.split(/[\s,]+/).filter((network) => network !== '');
}
