import { compareText } from '../../../util/compare.ts';
import {
  identity,
  isFull,
  lastSample,
  type Observation,
  ordinarySlots,
  type OwnLimit,
  type PoolSettings,
  type Sample,
  type Session,
} from './types.ts';

/** This many old open transactions are a leak even if slots are free. */
export const manyStuck = 5;

/** Who holds sessions: one line of a report. */
export interface Holder {
  readonly role: string;
  readonly database: string;
  readonly application: string;
  readonly client: string;
  /** The container at that address; empty if there is none. */
  readonly place: string;
  readonly sessions: number;
  /** The longest time that any of them has been in its state. */
  readonly oldestSeconds: number;
}

export interface LockPileUp {
  readonly kind: 'lock-pile-up';
  readonly root: number;
  readonly waiters: number;
}

export type Diagnosis =
  /** The connection limit of a role or database is reached. Someone set it on purpose. */
  | { readonly kind: 'deliberate-limit'; readonly limit: OwnLimit; readonly used: number; readonly refused: number }
  /** Many sessions wait for one lock holder. `root` is its pid; 0 for a prepared transaction. */
  | LockPileUp
  /** An application leaves transactions open. `queue`: others wait for a lock of one of them. */
  | {
      readonly kind: 'leak';
      readonly holders: readonly Holder[];
      readonly stuck: readonly Session[];
      readonly queue?: LockPileUp;
    }
  /** An application opens sessions, uses each once and never closes it. */
  | { readonly kind: 'idle-leak'; readonly holders: readonly Holder[]; readonly unused: readonly Session[] }
  | { readonly kind: 'oversized-pools'; readonly holders: readonly Holder[]; readonly unused: readonly Session[] }
  /** More sessions are active than the CPUs can serve. */
  | { readonly kind: 'load'; readonly busy: number }
  /** Clients open a session for every request. */
  | { readonly kind: 'no-pooling'; readonly perSecond: number; readonly demand: number }
  /** Every session is needed, and the server could serve more: the only diagnosis that raises max_connections. */
  | { readonly kind: 'undersized'; readonly demand: number }
  | { readonly kind: 'undetermined'; readonly demand: number };

export type DiagnosisKind = Diagnosis['kind'];

/**
 * Why clients are refused, in the order of docs/engineering/connections.md#diagnosis. At most one diagnosis, plus
 * deliberate limits, which have their own message. None if slots are free and no session waits.
 */
export function diagnose(measured: Observation, settings: PoolSettings): readonly Diagnosis[] {
  const limits = deliberateLimits(measured);
  const queue = lockPileUp(measured, settings);
  const other =
    leak(measured, settings, queue) ??
    queue ??
    (isPressed(measured, settings) ? shortOfSlots(measured, settings, limits.length > 0) : burst(measured, settings));
  return other === undefined ? limits : [...limits, other];
}

/** Slots are short in every sample, since a single snapshot proves nothing. */
function isPressed({ samples, limits }: Observation, { pressure }: PoolSettings): boolean {
  const enough = ordinarySlots(limits) * pressure;
  return samples.every(({ sessions }) => sessions.length >= enough);
}

function deliberateLimits({ ownLimits, refused, samples }: Observation): readonly Diagnosis[] {
  const last = samples.at(-1)?.sessions ?? [];
  return ownLimits.flatMap((limit): Diagnosis[] => {
    const words = refused.filter(({ reached }) => reached.limit === limit.kind && reached.name === limit.name);
    if (words.length === 0) return [];
    const used = last.filter((session) => session[limit.kind] === limit.name).length;
    return [{ kind: 'deliberate-limit', limit, used, refused: words.length }];
  });
}

/**
 * Sessions that wait for one lock: more slots would only let more of them wait. Each has waited since before the first
 * sample: sessions that take turns at a busy row wait as well, but each for a moment.
 */
function lockPileUp(measured: Observation, settings: PoolSettings): LockPileUp | undefined {
  const { sessions, afterMs } = lastSample(measured);
  const span = afterMs - measured.samples[0].afterMs;
  const waiting = new Map(sessions.filter(isLockWaiter).map((session) => [session.pid, session]));
  const roots = new Map<number, number>();
  for (const session of throughout(measured, isLockWaiter).filter(({ stateMs }) => (stateMs ?? 0) >= span)) {
    const root = rootOf(session, waiting);
    roots.set(root, (roots.get(root) ?? 0) + 1);
  }
  const [first] = [...roots].sort(([a, many], [b, more]) => more - many || a - b);
  if (first === undefined) return undefined;
  const [root, waiters] = first;
  const enough = isPressed(measured, settings)
    ? Math.min(settings.lockWaiters, Math.max(3, Math.ceil(sessions.length / 5)))
    : settings.lockWaiters;
  return waiters >= enough ? { kind: 'lock-pile-up', root, waiters } : undefined;
}

function rootOf(session: Session, waiting: ReadonlyMap<number, Session>): number {
  const seen = new Set<number>();
  let current = session;
  for (;;) {
    seen.add(current.pid);
    // Its own pid if the server did not report the blocker.
    const blocker = current.blockedBy[0] ?? current.pid;
    const next = waiting.get(blocker);
    if (next === undefined || seen.has(blocker)) return blocker;
    current = next;
  }
}

/**
 * Transactions that have been idle for a while, and are idle in every sample. If sessions pile up behind another one, that
 * lock is the cause, and nothing else is diagnosed.
 */
function leak(
  measured: Observation,
  settings: PoolSettings,
  queue: LockPileUp | undefined,
): (Diagnosis & { readonly kind: 'leak' }) | undefined {
  const pressed = isPressed(measured, settings);
  const { sessions } = lastSample(measured);
  const longEnough = (pressed ? settings.stuckSeconds : settings.idleInTransactionTimeoutSeconds) * 1000;
  const stuck = throughout(measured, isIdleInTransaction).filter(({ stateMs }) => (stateMs ?? 0) >= longEnough);
  const enough = pressed ? Math.max(3, Math.ceil(sessions.length * 0.3)) : manyStuck;
  if (stuck.length < enough) return undefined;
  const found = { kind: 'leak', holders: holdersOf(stuck), stuck } as const;
  if (queue === undefined) return found;
  return stuck.some(({ pid }) => pid === queue.root) ? { ...found, queue } : undefined;
}

function shortOfSlots(measured: Observation, settings: PoolSettings, isFenced: boolean): Diagnosis {
  const { sessions } = lastSample(measured);
  const demand = demandOf(measured);
  const idle = throughout(measured, isIdle).filter(({ stateMs }) => (stateMs ?? 0) >= settings.idleSeconds * 1000);
  if (idle.length >= Math.max(3, sessions.length * 0.5)) {
    const kind = isForgotten(idle) ? 'idle-leak' : 'oversized-pools';
    return { kind, holders: holdersOf(idle), unused: idle };
  }
  const busy = Math.min(...measured.samples.map((sample) => sample.sessions.filter(isBusy).length));
  if (busy > Math.max(4, measured.cpus * 4)) return { kind: 'load', busy };
  const perSecond = connectRate(measured);
  if (perSecond >= settings.connectsPerSecond) return { kind: 'no-pooling', perSecond, demand };
  const isPacked = isFull(measured) || measured.refused.some(isForSlots);
  const isUsed =
    sessions.filter(isLockWaiter).length <= sessions.length * 0.1 &&
    throughout(measured, isIdleInTransaction).length <= sessions.length * 0.1 &&
    idle.length <= sessions.length * 0.2;
  return { kind: isPacked && isUsed && !isFenced ? 'undersized' : 'undetermined', demand };
}

/** Between two bursts slots are free: only refusals and the number of new sessions show the problem. */
function burst(measured: Observation, settings: PoolSettings): Diagnosis | undefined {
  const perSecond = connectRate(measured);
  if (!measured.refused.some(isForSlots) || perSecond < settings.connectsPerSecond) return undefined;
  return { kind: 'no-pooling', perSecond, demand: demandOf(measured) };
}

/** Sessions that would exist if none had been refused within the last minute. Every retry of a client counts. */
function demandOf(measured: Observation): number {
  const most = Math.max(...measured.samples.map(({ sessions }) => sessions.length));
  const newest = Date.parse(measured.refused.at(-1)?.at ?? '') || 0;
  const refused = measured.refused.filter((one) => isForSlots(one) && Date.parse(one.at) > newest - 60_000);
  return most + Math.min(refused.length, most);
}

/** New sessions per second over the samples, without the two that each sample opens. */
function connectRate({ samples }: Observation): number {
  const [first] = samples;
  const last = samples.at(-1) ?? first;
  const seconds = (last.afterMs - first.afterMs) / 1000;
  if (first.opened === null || last.opened === null || seconds <= 0) return 0;
  return Math.max(0, last.opened - first.opened - 2 * (samples.length - 1)) / seconds;
}

/** Used once, right after they were opened, and opened one by one. A pool opens many at once, or reuses them. */
function isForgotten(idle: readonly Session[]): boolean {
  const once = idle.filter(({ sessionMs, stateMs }) => sessionMs - (stateMs ?? 0) < 5_000);
  const ages = idle.map(({ sessionMs }) => sessionMs);
  return once.length >= idle.length * 0.8 && Math.max(...ages) - Math.min(...ages) >= 60_000;
}

/** Sessions that match in every sample, as of the last sample. */
function throughout(measured: Observation, isSo: (session: Session) => boolean): readonly Session[] {
  const others = measured.samples.slice(0, -1).map((sample) => heldIn(sample, isSo));
  return lastSample(measured).sessions.filter(
    (session) => isSo(session) && others.every((known) => known.has(identity(session))),
  );
}

function heldIn({ sessions }: Sample, isSo: (session: Session) => boolean): ReadonlySet<string> {
  return new Set(sessions.filter(isSo).map(identity));
}

/** By role, database, application and container or address, the largest first. */
export function holdersOf(sessions: readonly Session[]): readonly Holder[] {
  const groups = new Map<string, Holder>();
  for (const { role, database, application, client, place, stateMs } of sessions) {
    const key = [role, database, application, place || client].join('\0');
    const known = groups.get(key);
    const seconds = Math.floor((stateMs ?? 0) / 1000);
    groups.set(key, {
      role,
      database,
      application,
      client: known?.client ?? client,
      place,
      sessions: (known?.sessions ?? 0) + 1,
      oldestSeconds: Math.max(known?.oldestSeconds ?? 0, seconds),
    });
  }
  return [...groups]
    .sort(([a, one], [b, other]) => other.sessions - one.sessions || compareText(a, b))
    .map(([, holder]) => holder);
}

function isForSlots({ reached }: Observation['refused'][number]): boolean {
  return reached.limit === 'ordinary-slots' || reached.limit === 'all-slots';
}

export function isIdleInTransaction({ state }: Session): boolean {
  return state.startsWith('idle in transaction');
}

function isIdle({ state }: Session): boolean {
  return state === 'idle';
}

export function isLockWaiter({ waitType }: Session): boolean {
  return waitType === 'Lock';
}

/** On CPU or waiting for I/O, not sleeping or waiting for its client. */
export function isBusy({ state, waitType }: Session): boolean {
  return state === 'active' && ['', 'IO', 'LWLock', 'BufferPin'].includes(waitType);
}
