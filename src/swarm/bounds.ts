import { ProblemsError } from '../errors.ts';
import type { ClaimRef, ClaimRequest, Report, TaskEntry } from './types.ts';

/** Everything that enters the queue is bounded: registries, agents and command lines may send anything. */
export const bounds = {
  tasks: 100_000,
  payloadBytes: 65_536,
  dependencies: 1_000,
  name: 200,
  names: 100,
  text: 500,
  notes: 8_000,
  perHour: 100_000,
  /** Seconds. */
  lease: { minimum: 1, maximum: 86_400 },
  /** Seven days: longer than the longest cooldown that is published. */
  waitMs: 14 * 86_400_000,
} as const;

/** Default lease, in seconds, and how often it is renewed within that time. */
export const defaultLease = 60;

const control = /[\p{Cc}\p{Zl}\p{Zp}]/u;

/** One line without control characters. @throws ProblemsError `bad-usage`. */
export function checkName(what: string, text: string): string {
  if (text.length > 0 && text.length <= bounds.name && text.isWellFormed() && !control.test(text)) return text;
  throw new ProblemsError('bad-usage', `The ${what} must be one line of 1 to ${bounds.name} characters.`);
}

/** Cuts what is too long: a report is not lost because its notes are. Control characters are kept for `escapeTerminal`. */
export function cut(text: string, longest: number): string {
  return (text.length <= longest ? text : `${text.slice(0, longest - 1)}…`).replaceAll('\0', '\u{FFFD}').toWellFormed();
}

/** @throws ProblemsError `bad-usage`. */
export function checkLease(seconds: number): number {
  const { minimum, maximum } = bounds.lease;
  if (seconds >= minimum && seconds <= maximum) return seconds;
  throw new ProblemsError('bad-usage', `A lease must last from ${minimum} to ${maximum} seconds.`);
}

/** @throws ProblemsError `bad-usage`. */
export function checkWait(milliseconds: number): number {
  if (milliseconds >= 0 && milliseconds <= bounds.waitMs) return milliseconds;
  throw new ProblemsError('bad-usage', 'A task can wait from now on for at most 14 days.');
}

/** @throws ProblemsError `bad-usage`. */
export function checkPerHour(number: number): number {
  if (Number.isInteger(number) && number >= 1 && number <= bounds.perHour) return number;
  throw new ProblemsError('bad-usage', `A limit must be a whole number from 1 to ${bounds.perHour} tasks an hour.`, {
    hint: 'To hand out nothing, use: problems swarm pause',
  });
}

/** @throws ProblemsError `bad-usage`. */
export function checkRequest({
  worker,
  handlers = [],
  engines = [],
  kinds = [],
  tasks = [],
  lease,
}: ClaimRequest): void {
  checkName('name of the worker', worker);
  for (const [what, names] of [
    ['handlers', handlers] as const,
    ['engines', engines] as const,
    ['kinds', kinds] as const,
    ['tasks', tasks] as const,
  ]) {
    if (names.length > bounds.names)
      throw new ProblemsError('bad-usage', `A worker can name at most ${bounds.names} ${what}.`);
    for (const name of names) checkName(`name among the ${what}`, name);
  }
  if (lease !== undefined) checkLease(lease);
}

/** @throws ProblemsError `bad-usage`. */
export function checkReport({ cost }: Report): void {
  if (cost === undefined || (Number.isFinite(cost) && cost >= 0)) return;
  throw new ProblemsError('bad-usage', 'The cost must be a number, 0 or more.');
}

/** @throws ProblemsError `bad-usage`. */
export function checkEntries(entries: readonly TaskEntry[]): void {
  if (entries.length > bounds.tasks)
    throw new ProblemsError('bad-usage', `A queue holds at most ${bounds.tasks} tasks, not ${entries.length}.`);
  for (const { task } of entries)
    if (!/^[a-z0-9-]{1,100}$/.test(task.id) || task.dependencies.length > bounds.dependencies)
      throw new ProblemsError(
        'bad-usage',
        'A task has an id that is not a file name, or more than 1,000 dependencies.',
      );
}

/** How the command line and other programs name a claim: `resolution-postgres--ports@42`. */
export function claimName({ task, token }: ClaimRef): string {
  return `${task}@${token}`;
}

/** @throws ProblemsError `bad-usage`: it is not the name of a claim. */
export function readClaimName(text: string): ClaimRef {
  const [, task, token] = /^([a-z0-9-]{1,100})@([1-9]\d{0,14})$/.exec(text) ?? [];
  if (task !== undefined && token !== undefined) return { task, token: Number(token) };
  throw new ProblemsError('bad-usage', 'This is not the name of a claim.', {
    hint: 'A claim is named by its task and its token, as `problems tasks next --claim` prints it: resolution-orders--ports@42.',
  });
}
