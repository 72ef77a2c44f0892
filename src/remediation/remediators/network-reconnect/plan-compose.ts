import { editNetwork } from '../../../compose/networks.ts';
import { serviceOf } from '../../../compose/project.ts';
import type { Container } from '../../../host/docker/types.ts';
import type { Plan, Precondition, ReadonlyHost, Refusal } from '../../contract.ts';
import { isInCompose, planComposeChange } from '../../shared/compose.ts';
import { recordsToKeep, refusalForOwner, refusalToRecreate } from '../../shared/recreate.ts';
import { type Client, isAddress, namesOn, networksOf } from './clients.ts';
import { refusalForChanges } from './plan-recreate.ts';
import type { NetworkExpected } from './types.ts';

/**
 * The same connection in the files of a Compose project, if one of the two containers belongs to one: Compose creates it with
 * the network or the name again. If the files cannot be changed, the container is connected as it is, and the plan says what to
 * change in them.
 */
export async function inCompose(
  live: Plan<NetworkExpected>,
  client: Client,
  network: string,
  host: ReadonlyHost,
): Promise<Plan<NetworkExpected>> {
  const { container, instance, address } = client;
  const server = instance.container;
  const joins = !networksOf(container).includes(network);
  const renames = !isAddress(address.host) && !namesOn(server, network).includes(address.host);
  const changed = renames ? server : container;
  if (!isInCompose(changed)) return live;
  if (joins && renames) return told(live, `Add ${network} to the networks of both services in their Compose files.`);
  const { name } = changed;
  const refused = renames
    ? await refusalToRecreate(instance, host, { editsCompose: true })
    : (refusalForOwner(container, { editsCompose: true }) ?? (await refusalForChanges(client, host)));
  if (refused !== undefined) return told(live, wordsOf(refused));
  const alias = renames ? { alias: address.host } : {};
  const project = serviceOf(changed.labels);
  const change = await planComposeChange(
    {
      container: changed,
      dataMount: renames ? instance.dataMount : undefined,
      key: 'networks',
      section: 'networks',
      edit: (sources) =>
        editNetwork(sources, project?.service ?? '', { project: project?.name ?? '', network, ...alias }),
      inWords: renames
        ? `give ${name} the alias ${address.host} on the network ${network}`
        : `put ${name} on the network ${network}`,
      why: `Compose creates ${name} from its files, so the network is changed there.`,
      expects: renames ? Object.values(recordsToKeep(instance)) : [unchanged(container), present(server)],
    },
    host,
  );
  if (change.type === 'refusal') return told(live, wordsOf(change));
  return {
    ...live,
    summary: `${live.summary.replace(/\.$/, '')}, in the files of its Compose project.`,
    steps: [change.step],
    target: { ...live.target, container: changed.id },
    risk: 'restart',
    downtime: renames
      ? { seconds: 6, why: 'PostgreSQL restarts in a new container.' }
      : { seconds: 0, why: `Only ${name} is down while it is replaced; ${instance.name} is not touched.` },
    unpredictable: [`${name} loses what it has in memory, as with a restart.`, ...change.notes],
    undo: 'The file is restored, and Compose creates the container as it says and starts it.',
    expected: {
      ...live.expected,
      client: renames ? container.id : container.name,
      server: renames ? server.name : server.id,
      compose: { container: name, hash: change.hash },
    },
  };
}

function told(live: Plan<NetworkExpected>, words: string): Plan<NetworkExpected> {
  return {
    ...live,
    unpredictable: [`This lasts until Compose recreates the container. ${words}`, ...live.unpredictable],
  };
}

function wordsOf({ reason, advice }: Refusal): string {
  return `${reason} ${advice}`;
}

function unchanged({ id, name, image, state }: Container): Precondition {
  return { check: 'container', ref: id, running: true, name, image, startedAt: state.startedAt };
}

function present({ id, name }: Container): Precondition {
  return { check: 'container', ref: id, running: true, name };
}
