import { setTimeout as sleep } from 'node:timers/promises';
import type { Instance } from '../../../host/instance.ts';
import type { HeldSessions } from '../../../host/probes/types.ts';
import type { Plan, ReadonlyHost, Verification } from '../../contract.ts';
import { type ReadyResult, waitUntilReady, poolerLogin } from '../../shared/availability.ts';
import {
  answerCheck,
  type Check,
  notInitialisedCheck,
  sameClusterCheck,
  withoutAnswer,
} from '../../shared/settings-steps.ts';
import { observe, refusedLately } from './observe.ts';
import { ownTimeouts } from './plan-leak.ts';
import { verifySlot } from './plan-slot.ts';
import { lastSample, type Observation, type PoolExpected, poolSettings } from './types.ts';

/** How long the sessions are held: long enough that all of them are open at once. */
const heldSeconds = 3;

/** How long to wait for clients to reconnect after a restart. */
const patienceMs = 30_000;

/** Opens the promised sessions from a container in the clients' network, and checks whether any client is refused. */
export async function verify({ target, expected }: Plan<PoolExpected>, host: ReadonlyHost): Promise<Verification> {
  if (expected.slot === true) return verifySlot(target.instance, host);
  const answer = await waitUntilReady(target.instance, host);
  const { instance, answeredAt } = answer;
  const first = answerCheck(answer);
  if (!first.ok || instance === undefined) return { result: withoutAnswer(answer), checks: [first] };
  const measured = await settled(instance, expected.clients, host);
  if (measured === undefined)
    return {
      result: 'not-verified',
      checks: [first, { name: 'its sessions can be counted', ok: false, seen: 'no answer' }],
    };
  const began = new Date();
  const checks: Check[] = [
    first,
    ...settingChecks(measured, expected),
    ...(await dataChecks(answer, instance, expected, host)),
    ...(await timeoutChecks(instance, expected, host)),
    ...(expected.pooler === null
      ? [...(await heldChecks(instance, measured, expected, host)), await nobodyRefused(instance, began, host)]
      : [await pooledCheck(instance, expected, expected.pooler, host), await memoryCheck(instance, host)]),
  ];
  return { result: checks.every(({ ok }) => ok) ? 'verified' : 'not-verified', answeredAt, checks };
}

/** Waits until clients have reconnected, so that the verification does not take their slots. */
async function settled(instance: Instance, clients: number, host: ReadonlyHost): Promise<Observation | undefined> {
  const until = performance.now() + patienceMs;
  for (;;) {
    const measurement = await observe(instance, host, { ...poolSettings(host), samples: 2, secondsBetween: 0.5 });
    const measured = measurement.type === 'measured' ? measurement.measured : undefined;
    const isBack = measured !== undefined && lastSample(measured).sessions.length >= clients;
    if (isBack || performance.now() > until) return measured;
    await sleep(500, undefined, { signal: host.signal });
  }
}

function settingChecks({ limits }: Observation, { maxConnections }: PoolExpected): readonly Check[] {
  if (maxConnections === null) return [];
  const seen = String(limits.maxConnections);
  return [{ name: 'max_connections is in force', ok: limits.maxConnections === maxConnections, seen }];
}

/** After a restart: the same data, no new cluster. */
async function dataChecks(
  answer: ReadyResult,
  instance: Instance,
  { systemIdentifier }: PoolExpected,
  host: ReadonlyHost,
): Promise<readonly Check[]> {
  if (systemIdentifier === null) return [];
  return [sameClusterCheck(answer, systemIdentifier), await notInitialisedCheck(instance, true, host)];
}

async function timeoutChecks(
  instance: Instance,
  { timeout }: PoolExpected,
  host: ReadonlyHost,
): Promise<readonly Check[]> {
  if (timeout === null) return [];
  const known = await ownTimeouts(instance, timeout.name, host);
  return timeout.roles.map((role) => {
    const own = known?.get(role) ?? 0;
    const name =
      timeout.name === 'idle_session_timeout'
        ? `new sessions of ${role} may not idle for ever`
        : `new sessions of ${role} may not idle in transactions for ever`;
    return { name, ok: own > 0 && own <= timeout.seconds, seen: own === 0 ? 'none' : `${own} s` };
  });
}

/** Measures memory while the sessions are open. */
async function heldChecks(
  instance: Instance,
  measured: Observation,
  expected: PoolExpected,
  host: ReadonlyHost,
): Promise<readonly Check[]> {
  const [held, memory] = await Promise.all([
    heldCheck(instance, measured, expected, host),
    memoryCheck(instance, host),
  ]);
  return [held, memory];
}

async function memoryCheck(instance: Instance, host: ReadonlyHost): Promise<Check> {
  const name = 'memory stays below 85% of the limit';
  if (instance.container.memory === 0) return { name, ok: true, seen: 'it has no limit' };
  await sleep((heldSeconds * 1000) / 2, undefined, { signal: host.signal });
  const use = await host.probes.memoryUse(instance);
  if (use === undefined || use.limit === 0) return { name, ok: true, seen: 'the engine does not count it' };
  const share = (use.usage - use.inactiveFile) / use.limit;
  return { name, ok: share < 0.85, seen: `${Math.round(share * 100)}% of ${Math.round(use.limit / 2 ** 20)} MiB` };
}

async function heldCheck(
  instance: Instance,
  measured: Observation,
  expected: PoolExpected,
  host: ReadonlyHost,
): Promise<Check> {
  const used = lastSample(measured).sessions.length;
  const count = expected.promised - used;
  const name = `${expected.promised} sessions at once`;
  if (count < 1) return { name, ok: false, seen: `its clients have ${used} sessions already` };
  const held = await hold(instance, count, expected, host);
  const as = expected.role === instance.user ? expected.role : `${instance.user}, acting as ${expected.role}`;
  const others = used === 0 ? '' : `, beside ${used} of its clients`;
  const seen = `${held.held} of ${count} as ${as} in ${expected.database}${others}${held.message === '' ? '' : `: ${held.message}`}`;
  return { name, ok: held.held === count, seen };
}

/** As the pooler's own role, whose password the pooler has; those of the applications are unknown. */
async function pooledCheck(
  instance: Instance,
  { promised, database }: PoolExpected,
  { container, port }: NonNullable<PoolExpected['pooler']>,
  host: ReadonlyHost,
): Promise<Check> {
  const name = `${promised} clients at once through the pooler`;
  const pooler = await host.docker.container(container);
  const login = pooler === undefined ? undefined : await poolerLogin(pooler, host);
  if (pooler === undefined || login === undefined) return { name, ok: false, seen: `${container} is not there` };
  const { held, message } = await host.probes.holdSessions({
    instance,
    sessions: promised,
    seconds: 0.2,
    login: { ...login, database },
    through: { container: pooler, port },
  });
  const seen = `${held} of ${promised} as ${login.user} in ${database}${message === '' ? '' : `: ${message}`}`;
  return { name, ok: held === promised, seen };
}

async function hold(
  instance: Instance,
  sessions: number,
  { role, database }: PoolExpected,
  host: ReadonlyHost,
): Promise<HeldSessions> {
  return host.probes.holdSessions({
    instance,
    sessions,
    seconds: heldSeconds,
    ...(role === instance.user ? {} : { role }),
    ...(database === '' ? {} : { database }),
  });
}

async function nobodyRefused(instance: Instance, since: Date, host: ReadonlyHost): Promise<Check> {
  const lines = (await refusedLately(instance, host, { logMinutes: 30 })).filter(
    ({ at, reached }) =>
      Date.parse(at) >= since.getTime() && (reached.limit === 'ordinary-slots' || reached.limit === 'all-slots'),
  );
  return { name: 'no session is refused for want of a slot', ok: lines.length === 0, seen: lines[0]?.text ?? 'none' };
}
