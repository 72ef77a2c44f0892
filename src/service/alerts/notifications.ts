import { severities } from '../../config/alerts.ts';
import type { AlertView } from '../types.ts';
import type { AlertSettings, Channel } from './settings.ts';

/** What one channel is told at once: the alerts of one instance, or those of the service. */
export interface Notification {
  readonly engine: string | null;
  readonly instance: string | null;
  /** Firing first, then resolved; each by severity, then by name. */
  readonly alerts: readonly AlertView[];
}

/** Alertmanager takes an alert for over when it is not repeated: its own limit is five minutes. */
const repeatMs = 60_000;

/**
 * What a channel must be told now. It follows from what each alert says was sent, so nothing is lost when a delivery fails,
 * and a restart repeats nothing.
 */
export function dueNotifications(
  channel: Channel,
  alerts: readonly AlertView[],
  settings: Pick<AlertSettings, 'remindHours'>,
  now: string,
): readonly Notification[] {
  const relevant = alerts.filter((alert) => isFor(channel, alert));
  const groups = Map.groupBy(relevant, ({ engine, instance }) => JSON.stringify([engine, instance]));
  return [...groups.values()].flatMap((group) => {
    const due = group.filter((alert) => isDue(channel, alert, settings, now));
    const [first] = due;
    if (first === undefined) return [];
    // What still fires is said again, as context.
    const told = group.filter((alert) => alert.state === 'firing' || due.includes(alert));
    return [{ engine: first.engine, instance: first.instance, alerts: told.toSorted(inOrder) }];
  });
}

function isFor({ min, instances }: Channel, { severity, instance }: AlertView): boolean {
  return (
    severities.indexOf(severity) <= severities.indexOf(min) &&
    (instances === undefined || instance === null || instances.includes(instance))
  );
}

function isDue(
  channel: Channel,
  alert: AlertView,
  { remindHours }: Pick<AlertSettings, 'remindHours'>,
  now: string,
): boolean {
  const last = alert.sent.find((one) => one.channel === channel.name);
  const sinceMs = last === undefined ? Number.POSITIVE_INFINITY : Date.parse(now) - Date.parse(last.at);
  if (alert.state === 'resolved') return last?.state === 'firing';
  // Alertmanager sends reminders itself, and must hear of a silenced alert that it knows, or takes it for resolved.
  if (channel.to === 'alertmanager' && last?.state === 'firing') return sinceMs >= repeatMs;
  if (alert.state === 'suppressed' || alert.acknowledged !== null) return false;
  return last?.state !== 'firing' || sinceMs >= remindHours * 3_600_000;
}

function inOrder(a: AlertView, b: AlertView): number {
  const rank = ({ state, severity }: AlertView) => (state === 'resolved' ? 10 : 0) + severities.indexOf(severity);
  return rank(a) - rank(b) || (a.name < b.name ? -1 : a.name > b.name ? 1 : a.fingerprint < b.fingerprint ? -1 : 1);
}

/** The alert after a channel was told of it. */
export function markSent(alert: AlertView, channel: string, state: 'firing' | 'resolved', at: string): AlertView {
  return { ...alert, sent: [...alert.sent.filter((one) => one.channel !== channel), { channel, state, at }] };
}
