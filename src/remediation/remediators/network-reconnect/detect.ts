import { errorText } from '../../../util/text.ts';
import { compareBy } from '../../../util/compare.ts';
import type { Instance } from '../../../host/instance.ts';
import type { HttpAnswer } from '../../../host/probes/types.ts';
import {
  type Detection,
  type Evidence,
  type Finding,
  findingId,
  type Skipped,
  type ReadonlyHost,
} from '../../contract.ts';
import { diagnose, type Situation, summaryOf, type Condition } from './diagnose.ts';
import { forEachInstance } from '../../shared/for-each-instance.ts';
import { findingOfHost } from './host-clients.ts';
import { findingOfPooled, pooledClientsOf } from './pooled-clients.ts';
import { factsOf, guiPage, guiPath, observe, type ServerFacts, worldOf } from './observe.ts';
import { clientErrorOf, type Client, clientsOf, holderOf, networksOf, sqlstateOf, type World } from './clients.ts';
import { isToldWrong } from './refusals.ts';
import type { NetworkDetails } from './types.ts';

/** Evidence without passwords: only host, port, user and database of an address. */
async function evidenceOf(
  trouble: Condition,
  client: Client,
  seen: Situation,
  page: HttpAnswer | undefined,
  world: World,
  host: ReadonlyHost,
): Promise<readonly Evidence[]> {
  return [
    ...addressOf(client),
    ...connected(client),
    ...met(client, seen),
    ...(page === undefined
      ? []
      : [
          {
            type: 'probe',
            name: `GET ${guiPath} of ${client.container.name}`,
            result: `${page.status} ${page.text.slice(0, 500)}`.trim(),
          } as const,
        ]),
    ...(await special(trouble, client, seen, world, host)),
  ];
}

function addressOf({ container, address }: Client): readonly Evidence[] {
  const { source, host, port, user, database } = address;
  const value = {
    host,
    port,
    ...(user === undefined ? {} : { user }),
    ...(database === undefined ? {} : { database }),
  };
  return [
    {
      type: 'docker',
      object: container.name,
      field: source === 'command line' ? 'Config.Cmd' : `Config.Env ${source}`,
      value,
    },
  ];
}

function connected({ container, instance }: Client): readonly Evidence[] {
  return [container, instance.container].map(({ name, endpoints, state }) => ({
    type: 'docker',
    object: name,
    field: 'NetworkSettings.Networks',
    value: { status: state.status, networks: endpoints.map(({ network }) => network) },
  }));
}

function met({ container, address }: Client, { reach }: Situation): readonly Evidence[] {
  if (reach === undefined) return [];
  const place = `in the network of ${container.name}`;
  const { sql } = reach;
  const sqlstate = sql.ok ? undefined : sqlstateOf(clientErrorOf(sql.message));
  return [
    {
      type: 'probe',
      name: `getent ahosts ${address.host} ${place}`,
      result: reach.addresses.join(', ') || 'no address',
    },
    { type: 'probe', name: `pg_isready ${place}`, result: reach.ready },
    sql.ok
      ? {
          type: 'probe',
          name: `query ${place}`,
          result: `${sql.serverAddress}, database ${sql.database}, system_identifier ${sql.systemIdentifier}`,
        }
      : { type: 'message', text: sql.message, ...(sqlstate === undefined ? {} : { sqlstate }) },
  ];
}

const hbaQuery = `SELECT line_number, type, array_to_string(database, ',') AS database, array_to_string(user_name, ',') AS users, address, netmask, auth_method, error
  FROM pg_catalog.pg_hba_file_rules ORDER BY line_number`;

async function special(
  trouble: Condition,
  client: Client,
  seen: Situation,
  world: World,
  host: ReadonlyHost,
): Promise<readonly Evidence[]> {
  const { instance } = client;
  switch (trouble) {
    case 'duplicate-alias':
    case 'wrong-server':
    case 'stale-address':
      return Promise.all(seen.others.slice(0, 4).map(async (address) => whoIs(address, client, world, host)));
    case 'listen-address':
      return [{ type: 'query', sql: 'SHOW listen_addresses', result: seen.listen ?? '' }];
    case 'hba-refused': {
      const rules = await host.sql.query(instance, hbaQuery, { maxRows: 50 });
      const result = rules.ok
        ? rules.rows
            .map((row) =>
              Object.values(row)
                .filter((word) => word !== null && word !== '')
                .join(' '),
            )
            .join('\n')
        : rules.message;
      return [{ type: 'query', sql: hbaQuery, result }];
    }
    case 'wrong-port':
    case 'asks-itself':
      return [
        {
          type: 'docker',
          object: instance.container.name,
          field: 'HostConfig.PortBindings',
          value: instance.container.portBindings.map(({ hostPort, containerPort }) => `${hostPort} → ${containerPort}`),
        },
      ];
    default:
      return [];
  }
}

/** Another container with the same name, queried with the client's own login, which the client sends there too. */
async function whoIs(address: string, client: Client, { containers }: World, host: ReadonlyHost): Promise<Evidence> {
  const { container, instance } = client;
  const { user = instance.user, database = user, password = '', port } = client.address;
  const { sql } = await host.probes.reach(container, {
    host: address,
    port,
    instance,
    login: { user, database, password },
  });
  const holder = holderOf(address, networksOf(container), containers);
  return {
    type: 'probe',
    name: `${address} is ${holder?.name ?? 'unknown'}`,
    result: sql.ok ? `database ${sql.database}, system_identifier ${sql.systemIdentifier}` : sql.message,
  };
}

export const name = 'network-reconnect';

/** Each probe is a short-lived container; more at the same time would slow down what they measure. */
const atOnce = 4;

type NetworkFinding = Finding<NetworkDetails>;

/** Checks every running client of every instance, from the client's own network, and the published ports from here. */
export async function detect(host: ReadonlyHost): Promise<Detection<NetworkDetails>> {
  const [world, asked] = await Promise.all([worldOf(host), host.instances()]);
  const clients = clientsOf(world).filter(({ instance }) => asked.some((chosen) => chosen.name === instance.name));
  const facts = new Map<Instance, Promise<ServerFacts>>();
  const findings = new Map<string, NetworkFinding>();
  const notLookedAt: Skipped[] = [];

  async function one(client: Client): Promise<void> {
    try {
      const known = facts.get(client.instance) ?? factsOf(client.instance, host);
      facts.set(client.instance, known);
      const seen = await observe(client, world, await known, host);
      const trouble = diagnose(seen);
      if (trouble === undefined) return;
      if (trouble === 'starting') {
        notLookedAt.push(blind(client, `${client.instance.container.name} is still starting`));
        return;
      }
      // Only adds evidence, so a GUI that exits in the meantime may have none.
      const page = await guiPage(client, host).catch(() => undefined);
      const evidence = await evidenceOf(trouble, client, seen, page, world, host);
      const found = { ...findingOf(trouble, client), evidence };
      if (!findings.has(found.id)) findings.set(found.id, found);
    } catch (error) {
      if (host.signal.aborted) throw error;
      // It has exited in the meantime, so it is no longer a client.
      if ((await host.docker.container(client.container.id))?.state.running !== true) return;
      notLookedAt.push(blind(client, errorText(error)));
    }
  }

  const waiting = [...clients];
  async function someOf(): Promise<void> {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await one(next);
  }
  await Promise.all(Array.from({ length: atOnce }, someOf));
  const pooled = pooledClientsOf(world).filter(({ instance }) => asked.some((chosen) => chosen.name === instance.name));
  const ofHost = await forEachInstance<NetworkDetails>(
    asked,
    host,
    { remediator: name, together: atOnce },
    async (instance, noting) => {
      const found = await findingOfHost(instance, host);
      if (found !== undefined) noting.found(found);
      for (const client of pooled.filter(({ instance: fronted }) => fronted.name === instance.name)) {
        const refused = await findingOfPooled(client, host);
        if (refused === undefined || findings.has(refused.id)) continue;
        findings.set(refused.id, refused);
      }
    },
  );
  return {
    findings: [...findings.values(), ...ofHost.findings].sort(compareBy(({ id }) => id)),
    notLookedAt: [...notLookedAt, ...ofHost.notLookedAt].sort(compareBy(({ reason }) => reason)),
  };
}

function findingOf(trouble: Condition, client: Client): NetworkFinding {
  const { container, instance, address } = client;
  const { source, host, port } = address;
  return {
    id: findingId(name, instance.name, trouble, container.name),
    remediator: name,
    instance: instance.name,
    kind: trouble,
    summary: summaryOf(trouble, client),
    risk: trouble === 'missing-alias' || trouble === 'page-silent' || isToldWrong(trouble) ? 'restart' : 'safe',
    evidence: [],
    details: { client: container.id, clientName: container.name, source, host, port, trouble },
    problem: null,
  };
}

function blind({ container, instance }: Client, reason: string): Skipped {
  return { remediator: name, instance: instance.name, reason: `connection of ${container.name}: ${reason}` };
}
