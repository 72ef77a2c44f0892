import type { Instance } from '../../../host/instance.ts';
import type { ServerProcess } from '../../../host/postgres/types.ts';
import type { Finding, Plan, ReadonlyHost, Refusal, Verification } from '../../contract.ts';
import { waitUntilReady } from '../../shared/availability.ts';
import { answerCheck, withoutAnswer } from '../../shared/settings-steps.ts';
import { nameOf } from './describe.ts';
import { holdersOf } from './diagnose.ts';
import { countedTitles, observe, titledSession } from './observe.ts';
import { refusalWithoutIdle, refusalWithoutSlot } from './refusals.ts';
import { lastSample, type PoolDetails, type PoolExpected, poolSettings, type Refused } from './types.ts';
import { planOn } from '../../shared/for-each-instance.ts';

/**
 * A server that refuses even superusers is asked nothing, so nothing else can be repaired there. One session is ended, the
 * one that loses least, and its slot serves the usual diagnosis.
 */

/** What ending a session in this state loses, least first. Sessions in any other state are working, and are left alone. */
const states = ['idle', 'idle in transaction (aborted)', 'idle in transaction'];

/**
 * The process to end: an idle session, else one that is idle in a transaction, and of these the one that has not run for the
 * longest time. Never a worker, a WAL sender or a session of unknown state: their titles are others.
 */
export function leastMissed(processes: readonly ServerProcess[]): ServerProcess | undefined {
  return processes
    .flatMap((process) => {
      const state = states.indexOf(titledSession(process.title)?.doing ?? '');
      // A server never runs as root.
      return state === -1 || process.uid === 0 ? [] : [{ state, process }];
    })
    .sort(
      (a, b) =>
        a.state - b.state ||
        (b.process.idleMs ?? -1) - (a.process.idleMs ?? -1) ||
        Number(a.process.started) - Number(b.process.started) ||
        a.process.pid - b.process.pid,
    )[0]?.process;
}

/** `role app in shop from 172.18.0.3`. */
function ownerOf(title: string): string {
  const { role = '', database = '', client = '' } = titledSession(title) ?? {};
  return `role ${role} in ${database} from ${client === '[local]' ? 'its own container' : client}`;
}

export async function planSlot(
  finding: Finding<PoolDetails>,
  instance: Instance,
  refused: Refused,
  host: ReadonlyHost,
): Promise<Plan<PoolExpected> | Refusal> {
  const { name, container } = instance;
  // One more free slot does not help this login: its role is not a superuser, or its role or database has a limit of its own.
  if (refused.reached.limit !== 'all-slots') return refusalWithoutSlot(name, instance.user, refused);
  const processes = await host.probes.serverProcesses(instance);
  const chosen = leastMissed(processes);
  if (chosen === undefined) return refusalWithoutIdle(name);
  const { pid, started, uid, title } = chosen;
  const isInTransaction = titledSession(title)?.doing !== 'idle';
  const since = chosen.idleMs === null ? '' : `, for ${Math.floor(chosen.idleMs / 1000)} s`;
  return {
    ...planOn(finding, instance),
    summary: `End one session of ${name} to get in: ${ownerOf(title)}, ${titledSession(title)?.doing}${since}.`,
    done: `one session of ${name} ended (${ownerOf(title)}), and its slot used to find out who holds the others`,
    steps: [
      {
        action: 'session.end-for-slot',
        params: { instance: name, pid, started, uid, title },
        why: 'Every slot is taken, so the server can be asked nothing and no other repair can begin.',
        expects: [{ check: 'container', ref: container.id, running: true, startedAt: container.state.startedAt }],
      },
    ],
    risk: isInTransaction ? 'data' : 'safe',
    downtime: { seconds: 0, why: 'The server keeps running; one session ends.' },
    unpredictable: [
      isInTransaction
        ? 'Its transaction is rolled back. What it has written cannot be seen from outside.'
        : 'What it keeps in its session is lost: temporary tables, prepared statements, advisory locks.',
      'Its application and its last statement cannot be seen from outside. The verification names who holds the slots, by application too.',
      'This does not cure anything: when the program ends, it gives the slot back. The check that follows finds what holds the others.',
    ],
    checkAgain: true,
    undo: 'The session cannot be restored; its client opens a new one.',
    expected: {
      name: container.name,
      promised: 1,
      clients: 0,
      role: instance.user,
      database: instance.database,
      timeout: null,
      maxConnections: null,
      systemIdentifier: null,
      pooler: null,
      slot: true,
    },
  };
}

/** Whether the server can be asked, and who holds its slots. */
export async function verifySlot(name: string, host: ReadonlyHost): Promise<Verification> {
  const answer = await waitUntilReady(name, host, { patienceMs: 10_000 });
  const { instance, answeredAt } = answer;
  const first = answerCheck(answer);
  if (!first.ok || instance === undefined) return { result: withoutAnswer(answer), checks: [first] };
  const measurement = await observe(instance, host, { ...poolSettings(host), samples: 2 });
  const holders = measurement.type === 'measured' ? holdersOf(lastSample(measurement.measured).sessions) : [];
  const seen = holders
    .slice(0, 10)
    .map((holder) => `${holder.sessions} × ${nameOf(holder)}${holder.client === '' ? '' : ` from ${holder.client}`}`)
    .join('; ');
  const second = {
    name: 'who holds the slots is known',
    ok: measurement.type === 'measured',
    seen: seen || 'no session',
  };
  return { result: second.ok ? 'verified' : 'not-verified', answeredAt, checks: [first, second] };
}

/** The sessions of a server that cannot be asked, one line for each kind, most frequent first. */
export async function sessionsByTitle(instance: Instance, host: ReadonlyHost): Promise<readonly string[]> {
  return countedTitles((await host.probes.serverProcesses(instance)).map(({ title }) => title));
}
