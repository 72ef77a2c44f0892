import { openWindow } from '../../remediation/policy/policy.ts';
import type { AlertView } from '../types.ts';
import { type Candidate, candidatesOf } from './candidates.ts';
import type { AlertSettings } from './settings.ts';
import { alertRules, type RuleFacts } from './rules.ts';

/** When each candidate that does not fire yet was first seen, RFC 3339, by fingerprint. */
export type Pending = ReadonlyMap<string, string>;

export interface Decision {
  /** The alerts that are new or have changed. */
  readonly changed: readonly AlertView[];
  readonly pending: Pending;
}

/**
 * Which alerts fire, are held back or are over. Pure: the same facts and history give the same answer. Before the first look
 * after a start nothing is decided, since what is not known yet is not over.
 * @param previous Alerts of the history, open and resolved.
 */
export function decideAlerts(
  facts: RuleFacts,
  previous: readonly AlertView[],
  pending: Pending,
  settings: Pick<AlertSettings, 'quiet'>,
): Decision {
  if (facts.view.state !== 'running' || facts.view.lastLookAt === null) return { changed: [], pending };
  const known = new Map(previous.map((alert) => [alert.fingerprint, alert]));
  const candidates = new Map(candidatesOf(facts).map((one) => [one.fingerprint, one]));
  const waiting = new Map<string, string>();
  const changed: AlertView[] = [];
  for (const candidate of candidates.values()) {
    const before = known.get(candidate.fingerprint);
    const seen = pending.get(candidate.fingerprint) ?? facts.now;
    const isOpen = before !== undefined && before.state !== 'resolved';
    if (isOpen || holdsLongEnough(candidate, seen, facts.now)) {
      const alert = current(candidate, before, facts.now, settings);
      if (JSON.stringify(alert) !== JSON.stringify(before)) changed.push(alert);
    } else waiting.set(candidate.fingerprint, seen);
  }
  for (const alert of known.values())
    if (alert.state !== 'resolved' && !candidates.has(alert.fingerprint) && !cannotBeTold(alert, facts))
      changed.push({ ...alert, state: 'resolved', endsAt: facts.now });
  return { changed, pending: waiting };
}

function holdsLongEnough({ since, forSeconds }: Candidate, seen: string, now: string): boolean {
  return Date.parse(now) - Date.parse(since ?? seen) >= forSeconds * 1_000;
}

function current(
  { since: _since, forSeconds: _for, ...candidate }: Candidate,
  before: AlertView | undefined,
  now: string,
  settings: Pick<AlertSettings, 'quiet'>,
): AlertView {
  const isOpen = before !== undefined && before.state !== 'resolved';
  // Of the alert alone: a silence of its finding ends when that does.
  const silencedUntil = isOpen ? before.silencedUntil : null;
  const isHeld =
    isQuiet(candidate, settings, now) || isLater(candidate.silencedUntil, now) || isLater(silencedUntil, now);
  return {
    fingerprint: candidate.fingerprint,
    name: candidate.name,
    severity: candidate.severity,
    engine: candidate.engine,
    instance: candidate.instance,
    finding: candidate.finding,
    summary: candidate.summary,
    state: isHeld ? 'suppressed' : 'firing',
    startsAt: isOpen ? before.startsAt : now,
    endsAt: null,
    acknowledged: candidate.acknowledged ?? (isOpen ? before.acknowledged : null),
    silencedUntil,
    // Kept from an earlier time too: a channel that was not told of its end still takes it for firing.
    sent: before?.sent ?? [],
  };
}

/** A window for some instances holds back what is about one of those; one for all also what is about the service. */
function isQuiet(
  { instance }: Pick<Candidate, 'instance'>,
  { quiet }: Pick<AlertSettings, 'quiet'>,
  now: string,
): boolean {
  const windows = quiet.filter(
    ({ instances }) => instances === undefined || (instance !== null && instances.includes(instance)),
  );
  return openWindow(windows, new Date(now), 0) !== undefined;
}

function isLater(at: string | null, now: string): boolean {
  return at !== null && Date.parse(at) > Date.parse(now);
}

/** Whether what the rule needs is unknown while the instance is not up. */
function cannotBeTold({ name, engine, instance }: AlertView, { view }: RuleFacts): boolean {
  const rule = alertRules.find((one) => one.name === name);
  const about = view.instances.find((one) => one.engine === engine && one.instance === instance);
  return rule?.needsAnswer === true && about !== undefined && about.status !== 'up';
}
