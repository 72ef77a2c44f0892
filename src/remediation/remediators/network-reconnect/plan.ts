import type { Container, Network } from '../../../host/docker/types.ts';
import type { Precondition, Finding, Plan, ReadonlyHost, Refusal, Step } from '../../contract.ts';
import { refusal } from '../../shared/for-each-instance.ts';
import { factsOf, pageIsSilent, situationOf, worldOf } from './observe.ts';
import {
  borrowsNetwork,
  type Client,
  clientsOf,
  commonNetworks,
  isAddress,
  namesOn,
  networksOf,
  type World,
} from './clients.ts';
import { networkPolicy, planNewClient } from './plan-recreate.ts';
import { isOfHost, refuseHost } from './host-clients.ts';
import { inCompose } from './plan-compose.ts';
import { pooledClientsOf, refusePooled } from './pooled-clients.ts';
import { planRestart } from './plan-restart.ts';
import { escalation, isCurable, isToldWrong } from './refusals.ts';
import { type NetworkDetails, type NetworkExpected, networkSettings } from './types.ts';

/** Connects the client to a network of the server, gives the server the missing alias, or refuses. */
export async function plan(
  finding: Finding<NetworkDetails>,
  host: ReadonlyHost,
): Promise<Plan<NetworkExpected> | Refusal> {
  const { details } = finding;
  const { trouble } = details;
  if (isOfHost(trouble)) {
    const instance = await host.instance(finding.instance);
    return instance?.container.id === details.client
      ? refuseHost(finding, instance)
      : refusal(`${finding.instance} has been recreated since it was checked.`, 'Run `problems detect` again.');
  }
  const world = { ...(await worldOf(host)), networks: await host.docker.networks() };
  if (trouble === 'pooler-refuses')
    return refusePooled(
      finding,
      pooledClientsOf(world).find(
        ({ container, address }) => container.id === details.client && address.source === details.source,
      ),
    );
  const client = clientsOf(world).find(
    ({ container, instance, address }) =>
      container.id === details.client &&
      instance.name === finding.instance &&
      address.source === details.source &&
      address.host === details.host &&
      address.port === details.port,
  );
  if (client === undefined) {
    return refusal(
      `${details.clientName} has been recreated since it was checked, or is not running.`,
      'Run `problems detect` again.',
    );
  }
  if (trouble === 'page-silent') return planRestart(finding, client, host);
  if (isToldWrong(trouble)) return ofPage(await planRecreate(finding, client, world, host), client, host);
  if (!isCurable(trouble)) return escalation(trouble, client, world);
  const refused = refusalOf(client);
  if (refused !== undefined) return refused;

  const networks = candidates(client);
  const objections = networks.map((network) => networkPolicy(network, client, world, networkSettings(host)));
  const network = networks.find((_, index) => objections[index] === undefined);
  if (network === undefined) {
    const { container, instance } = client;
    return networks.length === 0
      ? refusal(
          `${instance.container.name} is on no user-defined network.`,
          `docker network create <network>; docker network connect <network> ${instance.container.name}; docker network connect <network> ${container.name}`,
        )
      : refusal(
          objections.filter((objection) => objection !== undefined).join(' '),
          `If you want that: docker network connect ${networks[0]} ${container.name}, or list the network under sharedNetworks in the config.`,
        );
  }
  const { systemIdentifier } = await factsOf(client.instance, host);
  const live = planFor(finding, client, network, systemIdentifier ?? null);
  return ofPage(live.type === 'refusal' ? live : await inCompose(live, client, network, host), client, host);
}

/** What was broken for another reason does not count against the repair: a page that is silent now need not answer after it. */
async function ofPage(
  made: Plan<NetworkExpected> | Refusal,
  client: Client,
  host: ReadonlyHost,
): Promise<Plan<NetworkExpected> | Refusal> {
  if (made.type === 'refusal' || !(await pageIsSilent(client, host))) return made;
  return {
    ...made,
    unpredictable: [
      ...made.unpredictable,
      `The page of ${client.container.name} does not answer now. If it does not after the repair either, that is another finding.`,
    ],
    checkAgain: true,
    expected: { ...made.expected, silentBefore: true },
  };
}

/** On a network that both are on, or else on a network of the server that the client may join. */
async function planRecreate(
  finding: Finding<NetworkDetails>,
  client: Client,
  world: World & { readonly networks: readonly Network[] },
  host: ReadonlyHost,
): Promise<Plan<NetworkExpected> | Refusal> {
  const { container, instance, address } = client;
  const server = instance.container;
  if (borrowsNetwork(container) || !server.state.running) return escalation('wrong-port', client, world);
  const named = { ...client, address: { ...address, host: server.name.toLowerCase() } };
  const network =
    commonNetworks(container, server)[0] ??
    networksOf(server).find((one) => networkPolicy(one, named, world, networkSettings(host)) === undefined);
  if (network === undefined) return escalation('wrong-port', client, world);
  const { systemIdentifier } = await factsOf(instance, host);
  return planNewClient(finding, client, network, systemIdentifier ?? null, host);
}

/** Refusals that do not depend on the network. */
function refusalOf({ container, instance, address }: Client): Refusal | undefined {
  const server = instance.container;
  if (borrowsNetwork(container)) {
    return refusal(
      `${container.name} uses the network mode ${container.networkMode}, so it cannot be connected to another network.`,
      `Recreate it with --network ${networksOf(server)[0] ?? '<network>'}.`,
    );
  }
  const swarm = [container, server].find(({ labels }) => labels['com.docker.swarm.service.id'] !== undefined);
  if (swarm !== undefined) {
    return refusal(
      `${swarm.name} belongs to a Swarm service, which manages its containers.`,
      'Run: docker service update --network-add <network> <service>',
    );
  }
  if (address.port !== instance.port) {
    return refusal(
      `A network alone would not help: ${container.name} connects to port ${address.port}, but on a Docker network ${server.name} has port ${instance.port}.`,
      `Recreate ${container.name} with ${server.name}:${instance.port} in ${address.source}, on a network of ${server.name}.`,
    );
  }
  if (situationOf({ container, instance, address, gui: false }).named.length > 0) {
    return refusal(`${container.name} and ${server.name} now share a network.`, 'Run `problems detect` again.');
  }
  return undefined;
}

/** Networks on which the server already has the client's name for it come first, then those that both are on. */
function candidates({ container, instance, address }: Client): readonly string[] {
  const server = instance.container;
  const common = commonNetworks(container, server);
  const all = networksOf(server);
  if (isAddress(address.host)) {
    return server.endpoints
      .filter(({ ipv4, ipv6 }) => ipv4 === address.host || ipv6 === address.host)
      .map(({ network }) => network);
  }
  const named = all.filter((network) => namesOn(server, network).includes(address.host));
  return named.length > 0 ? named : common.length > 0 ? common : all;
}

function planFor(
  finding: Finding<NetworkDetails>,
  client: Client,
  network: string,
  systemIdentifier: string | null,
): Plan<NetworkExpected> | Refusal {
  const { container, instance, address } = client;
  const server = instance.container;
  const joins = !networksOf(container).includes(network);
  const renames = !isAddress(address.host) && !namesOn(server, network).includes(address.host);
  const naming = renames ? namingSteps(client, network) : [];
  if ('type' in naming) return naming;
  const steps: readonly Step[] = [
    ...(joins
      ? [
          {
            action: 'network.connect',
            params: { network, container: container.id, aliases: [] },
            why: `${server.name} has the name ${address.host} there. No restart is needed.`,
            expects: [present(container), present(server)],
          },
        ]
      : []),
    ...naming,
  ];
  const doing = [
    ...(joins ? [`connect ${container.name} to ${network}`] : []),
    ...(renames ? [`add the alias ${address.host} for ${server.name} on ${network}`] : []),
  ].join(' and ');
  return {
    type: 'plan',
    remediator: finding.remediator,
    finding,
    target: {
      instance: instance.name,
      container: renames ? server.id : container.id,
      volumes: [instance.volumeKey],
    },
    summary: `${doing.charAt(0).toUpperCase()}${doing.slice(1)}, so that ${container.name} reaches ${instance.name}.`,
    done: `${container.name} reaches ${instance.name} over ${network}`,
    steps,
    cleanup: [],
    leftovers: [],
    risk: renames ? 'restart' : 'safe',
    downtime: renames
      ? {
          seconds: 1,
          why: `Adding an alias reconnects ${server.name} to ${network}, which ends sessions over it.`,
        }
      : { seconds: 0, why: 'A container can be connected to a network while it is running.' },
    unpredictable: [
      `A recreated container is not connected: add the network to whatever creates ${renames ? server.name : container.name}.`,
      `A program that has cached the failed name lookup may need some time to try again.`,
      ...(isAddress(address.host)
        ? [
            `${container.name} uses an address, which may change with the next start; use the name ${server.name} instead.`,
          ]
        : []),
      ...(renames ? [`Sessions of other clients over ${network} end; they hang until they time out.`] : []),
    ],
    undo: [
      ...(renames ? [`${server.name} gets back its previous aliases on ${network}`] : []),
      ...(joins ? [`${container.name} is disconnected from ${network}`] : []),
    ]
      .join(', and ')
      .concat('.'),
    expected: {
      client: container.id,
      source: address.source,
      host: address.host,
      port: address.port,
      network,
      server: server.id,
      systemIdentifier,
    },
  };
}

/** An alias can only be set when connecting, so the server is disconnected briefly, which needs approval. */
function namingSteps({ instance, address }: Client, network: string): readonly Step[] | Refusal {
  const server = instance.container;
  const endpoint = server.endpoints.find((one) => one.network === network);
  if (!/^[a-z0-9][a-z0-9_-]{0,62}$/.test(address.host)) {
    return refusal(
      `${address.host} must not be used as an alias: it may be the name of a host outside Docker.`,
      `Recreate the client with ${server.name}:${instance.port} in ${address.source}.`,
    );
  }
  if (endpoint !== undefined && (endpoint.staticIpv4 !== '' || endpoint.staticIpv6 !== '')) {
    return refusal(
      `${server.name} has a static address on ${network}, which another container could take while it is disconnected.`,
      `When it is idle: docker network disconnect ${network} ${server.name}; docker network connect --ip ${endpoint.staticIpv4 || endpoint.staticIpv6} --alias ${address.host} ${network} ${server.name}`,
    );
  }
  const kept = (endpoint?.aliases ?? []).filter((alias) => alias !== server.id.slice(0, 12));
  const aliases = [...new Set([...kept, address.host])].sort();
  return [
    {
      action: 'network.name',
      params: { network, container: server.id, aliases },
      why: 'An alias can only be set when connecting.',
      expects: [{ ...present(server), startedAt: server.state.startedAt }],
    },
  ];
}

function present({ id, name }: Container): Precondition & { readonly check: 'container' } {
  return { check: 'container', ref: id, running: true, name };
}
