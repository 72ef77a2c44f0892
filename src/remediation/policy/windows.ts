import { z } from 'zod';
import type { Operation } from '../operations.ts';

/** Days of the week as `Date.getUTCDay` counts them. */
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

const time = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'is no time of day such as 02:30');

/** When an instance may be restarted without asking anybody, in UTC. `to` before `from` ends on the next day. */
export const maintenanceWindow = z.strictObject({
  /** The days on which it begins. Default: every day. */
  days: z.array(z.enum(days)).min(1).exactOptional(),
  from: time,
  to: time,
});

export type MaintenanceWindow = z.output<typeof maintenanceWindow>;

/** What needs no approval inside a window: what interrupts an instance, and nothing that moves data or opens access. */
export const allowedInWindow: readonly Operation[] = ['restart-running', 'recreate-running', 'shared-memory-setting'];

const minute = 60_000;
const minutesOfDay = 24 * 60;

/**
 * The window that `now` falls into, in words, if what is to be done is expected to end within it. Rule: PGOPS §8.2.
 * @param seconds How long the instance is expected not to answer.
 */
export function openWindow(windows: readonly MaintenanceWindow[], now: Date, seconds: number): string | undefined {
  const day = now.getUTCDay();
  const at = now.getUTCHours() * 60 + now.getUTCMinutes() + (now.getTime() % minute) / minute;
  const open = windows.find((window) => {
    const from = minutesOf(window.from);
    const length = (minutesOf(window.to) - from + minutesOfDay) % minutesOfDay || minutesOfDay;
    // One that began yesterday may still be open.
    return [0, 1].some((ago) => {
      const since = at - from + ago * minutesOfDay;
      return isOn(window, (day - ago + 7) % 7) && since >= 0 && since + seconds / 60 <= length;
    });
  });
  return open === undefined ? undefined : `${open.from} to ${open.to} UTC`;
}

function isOn({ days: named }: MaintenanceWindow, day: number): boolean {
  return named === undefined || named.some((name) => days.indexOf(name) === day);
}

function minutesOf(text: string): number {
  const [hours = 0, minutes = 0] = text.split(':').map(Number);
  return hours * 60 + minutes;
}
