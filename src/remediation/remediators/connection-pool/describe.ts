import { queueText } from '../../../migration/index.ts';
import type { Evidence } from '../../contract.ts';
import {
  type Diagnosis,
  type Holder,
  holdersOf,
  isBusy,
  isIdleInTransaction,
  isLockWaiter,
  type LockPileUp,
} from './diagnose.ts';
import { limitsOfServer, ownLimitsQuery, sessionsOfServer } from './observe.ts';
import { lastSample, type Observation, ordinarySlots, type Session } from './types.ts';

/** Evidence for a diagnosis: slots over time, who holds them, who was refused. */
export function evidenceOf(measured: Observation, diagnosis: Diagnosis): readonly Evidence[] {
  const { limits, samples, refused } = measured;
  const { sessions } = lastSample(measured);
  const slots = samples.map((sample) => `after ${(sample.afterMs / 1000).toFixed(1)} s: ${countsOf(sample.sessions)}`);
  const opened = samples.map((sample) => sample.opened).filter((count) => count !== null);
  return [
    {
      type: 'query',
      sql: oneLine(limitsOfServer),
      result: [
        `max_connections ${limits.maxConnections}, ${limits.reserved} of them reserved, ${ordinarySlots(limits)} ordinary`,
        `${measured.cpus} CPUs, ${limits.prepared} prepared transactions`,
        ...(limits.abandoned === null
          ? []
          : [`${limits.abandoned} sessions abandoned by their client since the statistics were reset`]),
        ...(opened.length < 2
          ? []
          : [`${Number(opened.at(-1)) - Number(opened[0])} sessions opened between the samples`]),
      ].join('; '),
    },
    {
      type: 'query',
      sql: oneLine(sessionsOfServer),
      result: [...slots, ...holdersOf(sessions).slice(0, 10).map(holderLine)].join('\n'),
    },
    ...own(diagnosis, sessions),
    ...refused.slice(-5).map(({ at, text }): Evidence => ({ type: 'log', at, text })),
  ];
}

function own(diagnosis: Diagnosis, sessions: readonly Session[]): readonly Evidence[] {
  if (diagnosis.kind === 'deliberate-limit') {
    const { limit, used, refused } = diagnosis;
    const result = `${limit.kind} ${limit.name}: ${limit.allowed} allowed, ${used} in use, ${refused} refused recently`;
    return [{ type: 'query', sql: oneLine(ownLimitsQuery), result }];
  }
  if (diagnosis.kind === 'lock-pile-up')
    return [{ type: 'query', sql: 'pg_blocking_pids', result: rootLine(diagnosis, sessions) }];
  if (diagnosis.kind === 'leak') {
    const wrote = diagnosis.stuck.filter((session) => session.wrote).length;
    const result = `${diagnosis.stuck.length} were idle in every sample, ${wrote} of them have written in their transaction`;
    return [
      { type: 'query', sql: 'pg_stat_activity.backend_xid', result },
      ...(diagnosis.queue === undefined ? [] : own(diagnosis.queue, sessions)),
    ];
  }
  return [];
}

/** The session that blocks the others: who it is, what it does and since when. */
export function rootLine({ root, waiters }: LockPileUp, sessions: readonly Session[]): string {
  const unknown = { pid: root, role: '', database: '', application: '', state: '', since: '', statement: '' };
  return queueText(sessions.find(({ pid }) => pid === root) ?? unknown, waiters);
}

function holderLine(holder: Holder): string {
  return `${holder.sessions} of ${nameOf(holder)} from ${holder.client || 'the socket'}, the oldest in its state for ${holder.oldestSeconds} s`;
}

export function nameOf({ role, database, application, place }: Holder): string {
  return `role ${role} in ${database}${application === '' ? '' : `, application ${application}`}${place === '' ? '' : `, ${place}`}`;
}

function countsOf(sessions: readonly Session[]): string {
  const counts = [
    ['active', sessions.filter(({ state }) => state === 'active').length],
    ['on CPU or disk', sessions.filter(isBusy).length],
    ['waiting for locks', sessions.filter(isLockWaiter).length],
    ['idle', sessions.filter(({ state }) => state === 'idle').length],
    ['idle in transaction', sessions.filter(isIdleInTransaction).length],
  ] as const;
  return `${sessions.length} sessions, ${counts.map(([what, count]) => `${count} ${what}`).join(', ')}`;
}

function oneLine(sql: string): string {
  return sql.trim().replaceAll(/\s+/g, ' ').slice(0, 300);
}

/** One sentence for each diagnosis. */
export function summaryOf(instance: string, measured: Observation, diagnosis: Diagnosis): string {
  const { sessions } = lastSample(measured);
  const slots = `${sessions.length} sessions for ${ordinarySlots(measured.limits)} ordinary slots of ${instance}`;
  switch (diagnosis.kind) {
    case 'deliberate-limit': {
      const { kind, name, allowed } = diagnosis.limit;
      return `Sessions of the ${kind} ${name} of ${instance} are refused: its connection limit is ${allowed}.`;
    }
    case 'lock-pile-up':
      return `Sessions of ${instance} pile up behind a lock: ${rootLine(diagnosis, sessions)}.`;
    case 'leak':
      return `${slots}; ${diagnosis.stuck.length} of them are idle in transaction: ${mostEvidence(diagnosis.holders)}.`;
    case 'idle-leak':
      return `${slots}; ${diagnosis.unused.length} of them were used once and never closed: ${mostEvidence(diagnosis.holders)}.`;
    case 'oversized-pools':
      return `${slots}; ${diagnosis.unused.length} of them are idle: the pools of ${mostEvidence(diagnosis.holders)} are larger than needed.`;
    case 'load':
      return `${slots}; ${diagnosis.busy} of them are active at once on ${measured.cpus} CPUs.`;
    case 'no-pooling':
      return `Clients open ${Math.round(diagnosis.perSecond)} sessions per second on ${instance}, which has ${ordinarySlots(measured.limits)} ordinary slots: they do not reuse them.`;
    case 'undersized':
      return `${slots}, all of them in use, and the server could serve more: clients need ${diagnosis.demand}.`;
    case 'undetermined':
      return `${slots}, with no single cause.`;
  }
}

function mostEvidence(holders: readonly Holder[]): string {
  const shown = holders.slice(0, 3).map((holder) => `${nameOf(holder)} (${holder.sessions})`);
  return `${shown.join('; ')}${holders.length > 3 ? `; and ${holders.length - 3} more` : ''}`;
}
