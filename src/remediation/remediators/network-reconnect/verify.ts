import { setTimeout as sleep } from 'node:timers/promises';
import type { ReachRequest, ReachResult } from '../../../host/probes/types.ts';
import type { Plan, ReadonlyHost, Verification } from '../../contract.ts';
import { composeCheck } from '../../shared/settings-steps.ts';
import { guiPage, guiPath, requestOf, worldOf } from './observe.ts';
import { clientErrorOf, type Client, clientsOf, ownAddresses, type World } from './clients.ts';
import { type NetworkExpected, networkSettings } from './types.ts';

type Check = Verification['checks'][number];

/**
 * Checks name, route, login and data from the client's network three times
 * (docs/engineering/networks.md#connecting-a-client), then the GUI's own page.
 */
export async function verify({ expected, target }: Plan<NetworkExpected>, host: ReadonlyHost): Promise<Verification> {
  const world = await worldWith(expected.client, host);
  const client = world === undefined ? undefined : clientIn(world, target.instance, expected);
  if (world === undefined || client === undefined) {
    return {
      result: 'not-verified',
      checks: [{ name: 'the client runs', ok: false, seen: 'it no longer exists, or keeps exiting' }],
    };
  }
  const checks: Check[] = [];
  const request = requestOf(client, world);
  let answeredAt: string | undefined;
  for (const time of ['first', 'second', 'third']) {
    const reached = await host.probes.reach(client.container, request);
    const check = sound(reached, request, client, expected, time);
    checks.push(check);
    if (!check.ok) return { result: isUnclear(reached) ? 'impossible' : 'not-verified', checks };
    answeredAt ??= new Date().toISOString();
  }
  const made = expected.compose === undefined ? undefined : await host.docker.container(expected.compose.container);
  if (expected.compose !== undefined && made !== undefined) checks.push(composeCheck(made, expected.compose.hash));
  checks.push(...(await ownPage(client, expected, host)));
  return {
    result: checks.every(({ ok }) => ok) ? 'verified' : 'not-verified',
    ...(answeredAt === undefined ? {} : { answeredAt }),
    checks,
  };
}

/** Waits for a client that exited without its database: the engine restarts it after up to a minute. */
async function worldWith(client: string, host: ReadonlyHost): Promise<World | undefined> {
  const until = performance.now() + 75_000;
  for (;;) {
    const state = (await host.docker.container(client))?.state;
    if (state?.running !== true) return undefined;
    if (state.status !== 'restarting') return worldOf(host);
    if (performance.now() > until) return undefined;
    await sleep(500, undefined, { signal: host.signal });
  }
}

function clientIn(world: World, instance: string, expected: NetworkExpected): Client | undefined {
  return clientsOf(world).find(
    (client) =>
      [client.container.id, client.container.name].includes(expected.client) &&
      client.instance.name === instance &&
      client.address.source === expected.source &&
      client.address.host === expected.host &&
      client.address.port === expected.port,
  );
}

function sound(
  { addresses, sql }: ReachResult,
  request: ReachRequest,
  { instance }: Client,
  expected: NetworkExpected,
  time: string,
): Check {
  const name = `from the client's network, the ${time} time: ${expected.host}:${expected.port} is the instance`;
  if (!sql.ok) return { name, ok: false, seen: sql.message };
  const own = ownAddresses(instance.container);
  const ok =
    addresses.length > 0 &&
    addresses.every((address) => own.includes(address)) &&
    own.includes(sql.serverAddress) &&
    [instance.container.id, instance.container.name].includes(expected.server) &&
    (expected.systemIdentifier === null || sql.systemIdentifier === expected.systemIdentifier) &&
    sql.database === (request.login?.database ?? instance.database);
  return {
    name,
    ok,
    seen: `${addresses.join(', ')}: database ${sql.database}, system_identifier ${sql.systemIdentifier}`,
  };
}

/** The server answers but refuses the login, which proves nothing. */
function isUnclear({ sql }: ReachResult): boolean {
  return (
    !sql.ok && ['other-refusal', 'password-refused', 'role-missing', 'starting'].includes(clientErrorOf(sql.message))
  );
}

/** A program that waits for its old connection may need pgweb's thirty seconds to notice the new one, or a while to start. */
async function ownPage(
  client: Client,
  { silentBefore }: NetworkExpected,
  host: ReadonlyHost,
): Promise<readonly Check[]> {
  const until = performance.now() + networkSettings(host).pageSeconds * 1_000;
  for (;;) {
    const page = await guiPage(client, host);
    if (page === undefined) return [];
    // It needs a login, or its version has no such page, so it tells nothing about the database.
    const ok = page.status === 200 || [401, 403, 404].includes(page.status);
    if (ok || performance.now() > until) {
      const seen = `${page.status} ${page.text.slice(0, 200)}`;
      if (!ok && silentBefore === true)
        return [{ name: `its own page ${guiPath} did not answer before either, so it proves nothing`, ok: true, seen }];
      return [{ name: `its own page ${guiPath} answers`, ok, seen }];
    }
    await sleep(Math.min(500, until - performance.now() + 1), undefined, { signal: host.signal });
  }
}
