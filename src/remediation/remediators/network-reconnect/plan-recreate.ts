import {
  asideName,
  type Expectation,
  type Finding,
  type Plan,
  type ReadonlyHost,
  type Refusal,
  type Step,
} from '../../contract.ts';
import { lostOnRecreate, refusalForOwner } from '../../instances/recreate-refusals.ts';
import { refusal } from '../../instances/refusal.ts';
import { keptContainer, restartPolicyOf } from '../../shared/recreate.ts';
import { commonNetworks } from './networks.ts';
import type { Client } from './observe.ts';
import { toldOtherwise, type VariableEdits } from './told-otherwise.ts';
import type { NetworkExpected } from './types.ts';

/**
 * Makes a client anew that was told the wrong place: with the name and the port of the server, which stay what they are
 * whatever starts. The environment of a container cannot be changed otherwise (PGOPS §1.4, "Dependants").
 * @param network One of the server's, on which the client is or may be.
 */
export async function planNewClient(
  finding: Finding,
  client: Client,
  network: string,
  systemIdentifier: string | null,
  host: ReadonlyHost,
): Promise<Plan<NetworkExpected> | Refusal> {
  const { container, instance, address } = client;
  const server = instance.container;
  const place = { host: server.name.toLowerCase(), port: instance.port };
  const edits = toldOtherwise(container, address, place);
  if (edits === undefined) {
    return refusal(
      `${container.name} was told ${address.host}:${address.port} in ${address.source}, in a form that is not changed with certainty.`,
      `Create it again with ${server.name}:${instance.port} in ${address.source}, on the network ${network}.`,
    );
  }
  const refused = refusalForOwner(container) ?? (await refusalForChanges(client, host));
  if (refused !== undefined) return refused;
  const joins = commonNetworks(container, server).length === 0;
  return {
    type: 'plan',
    remediator: finding.remediator,
    finding,
    target: { instance: instance.name, container: container.id, volumes: [instance.volumeKey] },
    summary: `Make ${container.name} anew with ${place.host}:${place.port} in ${address.source}, so that it reaches ${instance.name}.`,
    steps: stepsFor(client, edits, joins ? network : undefined),
    cleanup: [],
    leftovers: [keptContainer(container)],
    risk: 'restart',
    downtime: {
      seconds: 0,
      why: `Only ${container.name} is away, while it is replaced: ${instance.name} is not touched.`,
    },
    unpredictable: [
      `Whatever makes ${container.name} must be told ${place.host}:${place.port} too, or it makes it with ${address.host}:${address.port} the next time.`,
      `What ${container.name} holds in memory is lost, as with a restart.`,
    ],
    undo: `The new container is removed and the old one gets its name and its restart policy back and is started, with ${address.host}:${address.port} as before.`,
    expected: {
      client: container.name,
      source: address.source,
      host: place.host,
      port: place.port,
      network,
      server: server.id,
      systemIdentifier,
    },
  };
}

function stepsFor({ container, instance }: Client, edits: VariableEdits, network: string | undefined): readonly Step[] {
  const { id, name, image, state } = container;
  const aside = asideName(container);
  const old: Expectation = { check: 'container', ref: id, running: true, name: aside, image };
  return [
    {
      action: 'container.update-restart-policy',
      params: { container: id, policy: { name: 'no', maximumRetryCount: 0 } },
      why: 'The old container must not come back beside the new one when the engine restarts.',
      expects: [
        { check: 'container', ref: id, running: true, name, image, startedAt: state.startedAt },
        { check: 'container', ref: instance.container.id, running: true },
      ],
    },
    {
      action: 'container.rename',
      params: { container: id, name: aside },
      why: 'It is kept, and the new one takes its name.',
    },
    {
      action: 'container.recreate',
      params: {
        from: id,
        name,
        edits: {
          env: Object.fromEntries(
            Object.entries(edits).map(([variable, list]) => [variable, list.map((one) => ({ ...one }))]),
          ),
        },
      },
      why: 'The environment of a container cannot be changed.',
      expects: [old],
    },
    { action: 'container.stop', params: { container: id, timeoutSeconds: 30, clean: false }, expects: [old] },
    ...(network === undefined
      ? []
      : [
          {
            action: 'network.connect',
            params: { network, container: name, aliases: [] },
            why: `${instance.container.name} has its name there.`,
          } satisfies Step,
        ]),
    {
      action: 'container.start',
      params: { container: name },
      expects: [{ check: 'container', ref: id, running: false, name: aside }],
    },
    {
      action: 'container.update-restart-policy',
      params: { container: name, policy: restartPolicyOf(container) },
      why: 'As it was.',
    },
  ];
}

/** A client has no data directory, but it may have written elsewhere than into its volumes. */
async function refusalForChanges({ container }: Client, host: ReadonlyHost): Promise<Refusal | undefined> {
  const lost = lostOnRecreate(await host.docker.changes(container.id), container.mounts);
  if (lost.length === 0) return undefined;
  return refusal(
    `${container.name} has changes outside its volumes, which a new container would not have: ${lost.slice(0, 5).join(', ')}${lost.length > 5 ? ' and more' : ''}.`,
    'Move them into the image or a volume, or undo them.',
  );
}
