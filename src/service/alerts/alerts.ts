import type { Service, WatchedService } from '../contract.ts';
import { watchLastRound } from '../facts.ts';
import type { AlertView, DeliveryView } from '../types.ts';
import type { AlertSettings, Channel } from './settings.ts';
import { decideAlerts, type Pending } from './decide.ts';
import { addReading, lastHourOf, type Readings } from './last-hour.ts';
import { dueNotifications, markSent, type Notification } from './notifications.ts';
import { payloadFor } from './payloads.ts';
import { send } from './send.ts';

/** Timers of Node, or of a test. */
export interface Timers {
  /** Returns the function that ends the timer. */
  after(ms: number, run: () => void): () => void;
}

export interface AlertsOutside {
  readonly now: () => Date;
  readonly timers: Timers;
  /** Where `env:NAME` of channels is read. Default: the variables of the process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** An error of the history, such as a full disk. The next look tries again. Default: ignored. */
  onError?(error: unknown): void;
}

export interface Alerts {
  /** Starts no further delivery, and ends the one that runs. What was not sent is sent after the next start. */
  stop(): Promise<void>;
}

export type AlertedService = WatchedService<'alerts' | 'deliveries' | 'rounds'> & Pick<Service, 'publish'>;

/** What happens at once is told at once, but together: a round publishes one event for each finding. */
const gatherMs = 2_000;

/** Reminders, windows and conditions that must hold for some time are due without an event. */
const tickMs = 15_000;

/** After a failure a channel rests. Its alerts are sent then, as they are then. */
const restMs = 5 * 60_000;

/** How many alerts of the history to read: all open ones, and the latest that are resolved. */
const latestAlerts = 200;

/**
 * Decides alerts when something happens and every 15 seconds, keeps them in the history, and tells the channels. Deliveries run
 * one at a time for each channel, and no round waits for them.
 *
 * @example
 * const alerts = startAlerts(service, settings, { now: () => new Date(), timers: nodeTimers });
 * // …
 * await alerts.stop();
 */
export function startAlerts(service: AlertedService, settings: AlertSettings, outside: AlertsOutside): Alerts {
  const { history } = service;
  const stopped = new AbortController();
  const lastRound = watchLastRound(service);
  const busy = new Map<string, Promise<void>>();
  const restingUntil = new Map<string, number>();
  let pending: Pending = new Map();
  let readings: Readings = [];
  let endTick = outside.timers.after(0, tick);
  let endGather: (() => void) | undefined;

  const unsubscribe = service.subscribe(({ type }) => {
    // Alerts and deliveries are our own events.
    if (type === 'round' || type === 'instance' || type === 'finding') gather();
  });

  function gather(): void {
    endGather ??= outside.timers.after(gatherMs, () => {
      endGather = undefined;
      evaluateSafely();
    });
  }

  function tick(): void {
    evaluateSafely();
    if (!stopped.signal.aborted) endTick = outside.timers.after(tickMs, tick);
  }

  function evaluateSafely(): void {
    try {
      evaluate();
    } catch (error) {
      outside.onError?.(error);
    }
  }

  function evaluate(): void {
    if (stopped.signal.aborted) return;
    const view = service.view();
    const now = outside.now().toISOString();
    readings = addReading(readings, view, now);
    const facts = { view, now, lastRoundAt: lastRound(), lastHour: lastHourOf(readings, view) };
    const decision = decideAlerts(facts, known(), pending, settings);
    pending = decision.pending;
    for (const alert of decision.changed) {
      history.alerts.note(alert);
      service.publish({ type: 'alert', alert });
    }
    for (const channel of settings.channels) tell(channel);
  }

  function known(): readonly AlertView[] {
    const open = history.alerts.open();
    const ids = new Set(open.map(({ fingerprint }) => fingerprint));
    return [...open, ...history.alerts.list(latestAlerts).filter(({ fingerprint }) => !ids.has(fingerprint))];
  }

  function tell(channel: Channel): void {
    const now = outside.now();
    if (busy.has(channel.name) || (restingUntil.get(channel.name) ?? 0) > now.getTime()) return;
    const due = dueNotifications(channel, known(), settings, now.toISOString());
    if (due.length === 0) return;
    const work = deliverAll(channel, due)
      .catch((error: unknown) => outside.onError?.(error))
      .finally(() => busy.delete(channel.name));
    busy.set(channel.name, work);
  }

  async function deliverAll(channel: Channel, due: readonly Notification[]): Promise<void> {
    for (const notification of due) {
      if (stopped.signal.aborted || !(await deliver(channel, notification))) return;
    }
    // Something may have happened meanwhile.
    if (!stopped.signal.aborted) gather();
  }

  /** Returns whether it was accepted. */
  async function deliver(channel: Channel, notification: Notification): Promise<boolean> {
    const payload = payloadFor(channel, notification, outside.now().toISOString());
    const { attempts, failure } = await send(channel, payload, { ...outside, wait, signal: stopped.signal });
    // The service is stopping, and its history may be closed.
    if (stopped.signal.aborted) return false;
    const at = outside.now().toISOString();
    const isRepeat = failure === null && notification.alerts.every((alert) => wasTold(channel, alert));
    const delivery: DeliveryView = { at, channel: channel.name, alerts: notification.alerts.length, attempts, failure };
    if (failure === null) noteSent(channel, notification, at);
    else restingUntil.set(channel.name, Date.parse(at) + restMs);
    // Alertmanager hears the same every minute, so the journal does not repeat it.
    if (channel.to !== 'alertmanager' || !isRepeat) {
      history.deliveries.note(delivery);
      service.publish({ type: 'delivery', delivery });
    }
    return failure === null;
  }

  function noteSent(channel: Channel, { alerts }: Notification, at: string): void {
    const latest = new Map(known().map((alert) => [alert.fingerprint, alert]));
    for (const told of alerts) {
      // Someone may have acknowledged it meanwhile.
      const alert = latest.get(told.fingerprint) ?? told;
      history.alerts.note(markSent(alert, channel.name, told.state === 'resolved' ? 'resolved' : 'firing', at));
    }
  }

  async function wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = outside.timers.after(ms, resolve);
      stopped.signal.addEventListener(
        'abort',
        () => {
          end();
          resolve();
        },
        { once: true },
      );
    });
  }

  return {
    async stop() {
      stopped.abort();
      unsubscribe();
      endTick();
      endGather?.();
      await Promise.all(busy.values());
    },
  };
}

function wasTold({ name }: Channel, { state, sent }: AlertView): boolean {
  const last = sent.find(({ channel }) => channel === name)?.state;
  return last === (state === 'resolved' ? 'resolved' : 'firing');
}

/** Timers of Node that keep no process alive. */
export const nodeTimers: Timers = {
  after(ms, run) {
    const timer = setTimeout(run, ms).unref();
    return () => clearTimeout(timer);
  },
};
