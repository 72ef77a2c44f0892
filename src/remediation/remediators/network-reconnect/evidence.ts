import type { PageResult } from '../../../host/probes/types.ts';
import type { Evidence, ReadonlyHost } from '../../contract.ts';
import type { Situation, Trouble } from './diagnose.ts';
import { holderOf, networksOf } from './networks.ts';
import type { Client, World } from './observe.ts';
import { guiPath } from './pgweb.ts';
import { answerOf, sqlstateOf } from './words-of-client.ts';

/** What was seen, without passwords: of an address only its host, port, user and database are told. */
export async function evidenceOf(
  trouble: Trouble,
  client: Client,
  seen: Situation,
  page: PageResult | undefined,
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
  const sqlstate = sql.ok ? undefined : sqlstateOf(answerOf(sql.message));
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
  trouble: Trouble,
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

/** Another container under the name: asked with the client's own login, which the client sends there too. */
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
    name: `${address} is ${holder?.name ?? 'nobody that is known'}`,
    result: sql.ok ? `database ${sql.database}, system_identifier ${sql.systemIdentifier}` : sql.message,
  };
}
