import type { HeldSessions, Instance } from '../../../host/types.ts';
import type { Plan, ReadonlyHost, Verification } from '../../contract.ts';
import { answerCheck, type Check, withoutAnswer } from '../../instances/checks.ts';
import { firstAnswer } from '../../instances/first-answer.ts';
import type { PoolExpected } from './details.ts';
import { measure, refusedLately } from './measure.ts';
import { lastSample, type Measured, ordinarySlots } from './measured.ts';
import { poolSettings } from './settings.ts';
import { ownTimeouts } from './timeouts.ts';

/** For how long the sessions are held: long enough that all are there at once. */
const heldSeconds = 3;
/** What a live instance must keep for its clients while the proof runs. PGOPS §2.7. */
const spared = 5;

/** Holds what was promised, from a container in the clients' network, and looks who was refused meanwhile. */
export async function verify({ target, expected }: Plan<PoolExpected>, host: ReadonlyHost): Promise<Verification> {
  const began = new Date();
  const answer = await firstAnswer(target.instance, host);
  const { instance, answeredAt } = answer;
  const first = answerCheck(answer);
  if (!first.ok || instance === undefined) return { result: withoutAnswer(answer), checks: [first] };
  const measurement = await measure(instance, host, { ...poolSettings(host), samples: 2 });
  if (measurement.type !== 'measured')
    return {
      result: 'not-verified',
      checks: [first, { name: 'its sessions can be counted', ok: false, seen: 'no answer' }],
    };
  const { measured } = measurement;
  const checks: Check[] = [
    first,
    ...settingChecks(measured, expected),
    ...(await timeoutChecks(instance, expected, host)),
    await heldCheck(instance, measured, expected, host),
    await nobodyRefused(instance, began, host),
  ];
  return { result: checks.every(({ ok }) => ok) ? 'verified' : 'not-verified', answeredAt, checks };
}

function settingChecks({ limits }: Measured, { maxConnections }: PoolExpected): readonly Check[] {
  if (maxConnections === null) return [];
  const seen = String(limits.maxConnections);
  return [{ name: 'max_connections is in force', ok: limits.maxConnections === maxConnections, seen }];
}

async function timeoutChecks(
  instance: Instance,
  { timeout }: PoolExpected,
  host: ReadonlyHost,
): Promise<readonly Check[]> {
  if (timeout === null) return [];
  const known = await ownTimeouts(instance, host);
  return timeout.roles.map((role) => {
    const own = known?.get(role) ?? 0;
    const name = `new sessions of ${role} may not idle in transactions for ever`;
    return { name, ok: own > 0 && own <= timeout.seconds, seen: own === 0 ? 'none' : `${own} s` };
  });
}

async function heldCheck(
  instance: Instance,
  measured: Measured,
  expected: PoolExpected,
  host: ReadonlyHost,
): Promise<Check> {
  const free = ordinarySlots(measured.limits) - lastSample(measured).sessions.length;
  const count = Math.min(expected.promised, free - spared);
  const name = `${expected.promised} sessions at once`;
  // Clients that came back have their part of what was promised; half of it must be left to be called a repair.
  if (count < expected.promised / 2)
    return { name, ok: false, seen: `only ${free} slots are free, ${spared} of which are left to its clients` };
  const held = await hold(instance, count, expected, host);
  const as = expected.role === instance.user ? expected.role : `${instance.user}, acting as ${expected.role}`;
  const seen = `${held.held} of ${count} as ${as} in ${expected.database}${held.message === '' ? '' : `: ${held.message}`}`;
  return { name, ok: held.held === count, seen };
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
  return { name: 'nobody is refused for want of a slot', ok: lines.length === 0, seen: lines[0]?.text ?? 'nobody' };
}
