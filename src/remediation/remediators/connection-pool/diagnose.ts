import {
  identity,
  lastSample,
  type Measured,
  ordinarySlots,
  type OwnLimit,
  type Sample,
  type Session,
} from './measured.ts';
import type { PoolSettings } from './settings.ts';

/** So many old open transactions are a leak though slots are free. */
export const manyStuck = 5;

/** Who holds sessions: one line of a report. */
export interface Holder {
  readonly role: string;
  readonly database: string;
  readonly application: string;
  readonly client: string;
  readonly sessions: number;
  /** The longest time that one of them has been in its state. */
  readonly oldestSeconds: number;
}

export type Diagnosis =
  /** A role's or a database's own limit is reached. Somebody set it. */
  | { readonly kind: 'deliberate-limit'; readonly limit: OwnLimit; readonly used: number; readonly refused: number }
  /** Many wait for what one holds. `root` is its pid; 0 for a prepared transaction. */
  | { readonly kind: 'lock-pile-up'; readonly root: number; readonly waiters: number }
  /** An application leaves transactions open and goes away. */
  | { readonly kind: 'leak'; readonly holders: readonly Holder[]; readonly stuck: readonly Session[] }
  /** An application opens sessions, uses each once and forgets it. */
  | { readonly kind: 'idle-leak'; readonly holders: readonly Holder[]; readonly idle: number }
  | { readonly kind: 'oversized-pools'; readonly holders: readonly Holder[]; readonly idle: number }
  /** More sessions compute than the processors can serve. */
  | { readonly kind: 'load'; readonly busy: number }
  /** A session for every request. */
  | { readonly kind: 'no-pooling'; readonly perSecond: number; readonly demand: number }
  /** Every session is needed, and the server could serve more: the only one that raises max_connections. */
  | { readonly kind: 'undersized'; readonly demand: number }
  | { readonly kind: 'undetermined'; readonly demand: number };

export type DiagnosisKind = Diagnosis['kind'];

/**
 * What keeps clients out, in the order of PGOPS §2.3. At most one diagnosis besides deliberate limits, which are told
 * apart by their own words. Nothing where slots are not short and nobody waits.
 */
export function diagnose(measured: Measured, settings: PoolSettings): readonly Diagnosis[] {
  const limits = deliberateLimits(measured);
  const other =
    lockPileUp(measured, settings) ??
    leak(measured, settings) ??
    (isPressed(measured, settings) ? shortOfSlots(measured, settings, limits.length > 0) : burst(measured, settings));
  return other === undefined ? limits : [...limits, other];
}

/** Slots are short in every sample: one snapshot may be a moment. */
function isPressed({ samples, limits }: Measured, { pressure }: PoolSettings): boolean {
  const enough = ordinarySlots(limits) * pressure;
  return samples.every(({ sessions }) => sessions.length >= enough);
}

function deliberateLimits({ ownLimits, refused, samples }: Measured): readonly Diagnosis[] {
  const last = samples.at(-1)?.sessions ?? [];
  return ownLimits.flatMap((limit): Diagnosis[] => {
    const words = refused.filter(({ reached }) => reached.limit === limit.kind && reached.name === limit.name);
    if (words.length === 0) return [];
    const used = last.filter((session) => session[limit.kind] === limit.name).length;
    return [{ kind: 'deliberate-limit', limit, used, refused: words.length }];
  });
}

/** More slots would let more clients wait for the same lock. */
function lockPileUp(measured: Measured, settings: PoolSettings): Diagnosis | undefined {
  const { sessions } = lastSample(measured);
  const waiting = new Map(sessions.filter(isLockWaiter).map((session) => [session.pid, session]));
  const roots = new Map<number, number>();
  for (const session of throughout(measured, isLockWaiter)) {
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
    // Its own pid where the server did not say whom it waits for.
    const blocker = current.blockedBy[0] ?? current.pid;
    const next = waiting.get(blocker);
    if (next === undefined || seen.has(blocker)) return blocker;
    current = next;
  }
}

/** Transactions in which nothing has happened for a while, and nothing happens while we look. */
function leak(measured: Measured, settings: PoolSettings): Diagnosis | undefined {
  const pressed = isPressed(measured, settings);
  const { sessions } = lastSample(measured);
  const longEnough = (pressed ? settings.stuckSeconds : settings.idleInTransactionTimeoutSeconds) * 1000;
  const stuck = throughout(measured, isIdleInTransaction).filter(({ stateMs }) => (stateMs ?? 0) >= longEnough);
  const enough = pressed ? Math.max(3, Math.ceil(sessions.length * 0.3)) : manyStuck;
  return stuck.length < enough ? undefined : { kind: 'leak', holders: holdersOf(stuck), stuck };
}

function shortOfSlots(measured: Measured, settings: PoolSettings, isFenced: boolean): Diagnosis {
  const { sessions } = lastSample(measured);
  const demand = demandOf(measured);
  const idle = throughout(measured, isIdle).filter(({ stateMs }) => (stateMs ?? 0) >= settings.idleSeconds * 1000);
  if (idle.length >= Math.max(3, sessions.length * 0.5)) {
    const kind = isForgotten(idle) ? 'idle-leak' : 'oversized-pools';
    return { kind, holders: holdersOf(idle), idle: idle.length };
  }
  const busy = Math.min(...measured.samples.map((sample) => sample.sessions.filter(isBusy).length));
  if (busy > Math.max(4, measured.cpus * 4)) return { kind: 'load', busy };
  const perSecond = connectRate(measured);
  if (perSecond >= settings.connectsPerSecond) return { kind: 'no-pooling', perSecond, demand };
  const isFull =
    measured.samples.every((sample) => sample.sessions.length >= ordinarySlots(measured.limits)) ||
    measured.refused.some(isForSlots);
  const isUsed =
    sessions.filter(isLockWaiter).length <= sessions.length * 0.1 &&
    throughout(measured, isIdleInTransaction).length <= sessions.length * 0.1 &&
    idle.length <= sessions.length * 0.2;
  return { kind: isFull && isUsed && !isFenced ? 'undersized' : 'undetermined', demand };
}

/** Between two bursts slots are free: only the refusals and the number of new sessions tell. */
function burst(measured: Measured, settings: PoolSettings): Diagnosis | undefined {
  const perSecond = connectRate(measured);
  if (!measured.refused.some(isForSlots) || perSecond < settings.connectsPerSecond) return undefined;
  return { kind: 'no-pooling', perSecond, demand: demandOf(measured) };
}

/** Sessions that would be there if none had been refused within the last minute; a client that tries again counts anew. */
function demandOf(measured: Measured): number {
  const most = Math.max(...measured.samples.map(({ sessions }) => sessions.length));
  const newest = Date.parse(measured.refused.at(-1)?.at ?? '') || 0;
  const refused = measured.refused.filter((one) => isForSlots(one) && Date.parse(one.at) > newest - 60_000);
  return most + Math.min(refused.length, most);
}

/** New sessions a second over the samples, without the two that each sample takes. */
function connectRate({ samples }: Measured): number {
  const [first] = samples;
  const last = samples.at(-1) ?? first;
  const seconds = (last.afterMs - first.afterMs) / 1000;
  if (first.opened === null || last.opened === null || seconds <= 0) return 0;
  return Math.max(0, last.opened - first.opened - 2 * (samples.length - 1)) / seconds;
}

/** Used once, soon after they were opened, and opened one after the other: a pool opens many at once, or uses them again. */
function isForgotten(idle: readonly Session[]): boolean {
  const once = idle.filter(({ sessionMs, stateMs }) => sessionMs - (stateMs ?? 0) < 5_000);
  const ages = idle.map(({ sessionMs }) => sessionMs);
  return once.length >= idle.length * 0.8 && Math.max(...ages) - Math.min(...ages) >= 60_000;
}

/** Sessions that were so in every sample, as the last one shows them. */
function throughout(measured: Measured, isSo: (session: Session) => boolean): readonly Session[] {
  const others = measured.samples.slice(0, -1).map((sample) => heldIn(sample, isSo));
  return lastSample(measured).sessions.filter(
    (session) => isSo(session) && others.every((known) => known.has(identity(session))),
  );
}

function heldIn({ sessions }: Sample, isSo: (session: Session) => boolean): ReadonlySet<string> {
  return new Set(sessions.filter(isSo).map(identity));
}

/** By role, database, application and client, the largest first. */
export function holdersOf(sessions: readonly Session[]): readonly Holder[] {
  const groups = new Map<string, Holder>();
  for (const { role, database, application, client, stateMs } of sessions) {
    const key = [role, database, application, client].join('\0');
    const known = groups.get(key);
    const seconds = Math.floor((stateMs ?? 0) / 1000);
    groups.set(key, {
      role,
      database,
      application,
      client,
      sessions: (known?.sessions ?? 0) + 1,
      oldestSeconds: Math.max(known?.oldestSeconds ?? 0, seconds),
    });
  }
  return [...groups]
    .sort(([a, one], [b, other]) => other.sessions - one.sessions || (a < b ? -1 : 1))
    .map(([, holder]) => holder);
}

function isForSlots({ reached }: Measured['refused'][number]): boolean {
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

/** On a processor or on its way to a disk: one that sleeps or waits for its client needs neither. */
export function isBusy({ state, waitType }: Session): boolean {
  return state === 'active' && ['', 'IO', 'LWLock', 'BufferPin'].includes(waitType);
}
