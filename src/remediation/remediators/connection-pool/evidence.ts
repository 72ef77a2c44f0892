import type { Evidence } from '../../contract.ts';
import { type Diagnosis, type Holder, holdersOf, isBusy, isIdleInTransaction, isLockWaiter } from './diagnose.ts';
import { lastSample, type Measured, ordinarySlots, type Session } from './measured.ts';
import { limitsOfServer, ownLimits, sessionsOfServer } from './queries.ts';

/** What a diagnosis rests on, as people can look it up: the slots over time, who has them, who was refused. */
export function evidenceOf(measured: Measured, diagnosis: Diagnosis): readonly Evidence[] {
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
          : [`${limits.abandoned} sessions whose client vanished since the statistics began`]),
        ...(opened.length < 2 ? [] : [`${Number(opened.at(-1)) - Number(opened[0])} sessions opened while we looked`]),
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
    const result = `${limit.kind} ${limit.name}: ${limit.allowed} allowed, ${used} in use, ${refused} refused lately`;
    return [{ type: 'query', sql: oneLine(ownLimits), result }];
  }
  if (diagnosis.kind === 'lock-pile-up')
    return [{ type: 'query', sql: 'pg_blocking_pids', result: rootLine(diagnosis, sessions) }];
  if (diagnosis.kind === 'leak') {
    const wrote = diagnosis.stuck.filter((session) => session.wrote).length;
    const result = `${diagnosis.stuck.length} did nothing in every sample, ${wrote} of them have written in their transaction`;
    return [{ type: 'query', sql: 'pg_stat_activity.backend_xid', result }];
  }
  return [];
}

/** Who holds what the others wait for. */
export function rootLine(
  { root, waiters }: Diagnosis & { readonly kind: 'lock-pile-up' },
  sessions: readonly Session[],
): string {
  const waiting = `${waiters} sessions wait for it`;
  if (root === 0) return `a prepared transaction holds the lock; ${waiting}`;
  const holder = sessions.find(({ pid }) => pid === root);
  if (holder === undefined) return `pid ${root}, which is no client session, holds the lock; ${waiting}`;
  const seconds = Math.floor((holder.transactionMs ?? 0) / 1000);
  return `pid ${root} (${nameOf(holder)}, ${holder.state}, in its transaction for ${seconds} s) holds the lock; ${waiting}`;
}

function holderLine(holder: Holder): string {
  return `${holder.sessions} of ${nameOf(holder)} from ${holder.client || 'the socket'}, the oldest in its state for ${holder.oldestSeconds} s`;
}

export function nameOf({ role, database, application }: Pick<Holder, 'role' | 'database' | 'application'>): string {
  return `role ${role} in ${database}${application === '' ? '' : `, application ${application}`}`;
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
