import { z } from 'zod';
import type { Automation } from '../../tasks/types.ts';
import type { Decision, Block, Plan } from '../contract.ts';
import { type Operation, operations } from '../operations.ts';

/** Days of the week as `Date.getUTCDay` counts them. */
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

const time = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day such as 02:30');

/** When an instance may be restarted without approval, in UTC. `to` before `from` ends on the next day. */
export const maintenanceWindow = z.strictObject({
  /** The days on which it begins. Default: every day. */
  days: z.array(z.enum(days)).min(1).exactOptional(),
  from: time,
  to: time,
});

export type MaintenanceWindow = z.output<typeof maintenanceWindow>;

/** Operations that need no approval inside a window: they interrupt an instance, but move no data and open no access. */
const allowedInWindow: readonly string[] = [
  operations['restart-running'].name,
  operations['recreate-running'].name,
  operations['shared-memory-setting'].name,
];

const minute = 60_000;

const minutesOfDay = 24 * 60;

/**
 * The window that contains `now`, as text, if the work is expected to end within it.
 * Rule: docs/engineering/safety.md#windows.
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

export interface PolicyQuestion {
  readonly plan: Plan;
  /** What the plan's actions do to this target in its current state. */
  readonly operations: readonly Operation[];
  /** Whether the target is running: one that is down has no availability left to lose. */
  readonly running: boolean;
  readonly commandLine?: Automation;
  readonly config?: Automation;
  /** The record's triage; `byConfig`: the config names the record or its class. */
  readonly registry?: { readonly automation: Automation; readonly reason: string; readonly byConfig?: true };
  /** Names of the operations that the config allows without approval. */
  readonly allow: readonly string[];
  /** The maintenance window that is open now and long enough, as text. */
  readonly window?: string;
  /** Suspicion, pause, cooldown: these stop automation whatever the sources say. */
  readonly stops: readonly Block[];
}

/** The first source with a setting decides; the floors of the operations limit it. */
export function decide(question: PolicyQuestion): Decision {
  const [source, wanted, reason] = firstSource(question);
  const reasons = [reason];
  const holds: Block[] = wanted === 'human' ? [{ cause: 'policy', reason }] : [];
  let automation = wanted;
  const wantedOperations = [...new Map(question.operations.map((one) => [one.name, one])).values()];
  for (const { name, floor, description } of wantedOperations) {
    if (floor === 'auto') continue;
    if (floor === 'never') {
      holds.push({ cause: 'never', reason: `${name} (${description}) never runs automatically` });
      continue;
    }
    if (question.allow.includes(name)) {
      reasons.push(`${name} (${description}) is allowed by the config`);
      continue;
    }
    if (question.window !== undefined && allowedInWindow.includes(name)) {
      reasons.push(`${name} (${description}) falls into the maintenance window ${question.window}`);
      continue;
    }
    if (automation === 'auto') {
      automation = 'approve';
      reasons.push(`${name} (${description}) needs approval`);
    }
  }
  if (question.plan.approval !== undefined && automation === 'auto' && !isExplicit(source)) {
    automation = 'approve';
    reasons.push(`the plan needs approval: ${question.plan.approval}`);
  }
  holds.push(...question.stops);
  reasons.push(...holds.filter(({ cause }) => cause !== 'policy').map((hold) => hold.reason));
  if (holds.length > 0) automation = 'human';
  return {
    automation,
    source,
    reasons,
    operations: wantedOperations.map(({ name }) => name),
    ...(holds.length > 0 ? { holds } : {}),
  };
}

/** Someone has decided for exactly this plan, remediator or instance. */
function isExplicit(source: string): boolean {
  return source === 'command line' || source === 'config';
}

function firstSource(question: PolicyQuestion): readonly [source: string, automation: Automation, reason: string] {
  if (question.commandLine !== undefined)
    return ['command line', question.commandLine, `the command line says ${question.commandLine}`];
  if (question.config !== undefined) return ['config', question.config, `the config says ${question.config}`];
  if (question.registry !== undefined) return ['registry', ...byRegistry(question, question.registry)];
  return ['risk', ...byRisk(question)];
}

/** Operations that touch neither a database nor its only copy. */
const withoutDataAccess: readonly string[] = [
  operations['read-only-diagnosis'].name,
  operations['new-backup'].name,
  operations['quarantine-backup'].name,
];

/**
 * A registry that leaves damaged data to people means the database and its only copy. Moving a bad backup to quarantine
 * and taking a new one changes neither, so approval is enough
 * (docs/engineering/safety.md#who-may-decide).
 */
function byRegistry(
  { plan, operations: wanted }: PolicyQuestion,
  { automation, reason, byConfig }: NonNullable<PolicyQuestion['registry']>,
): readonly [Automation, string] {
  const sparesData =
    plan.risk === 'safe' && wanted.length > 0 && wanted.every(({ name }) => withoutDataAccess.includes(name));
  if (automation !== 'human' || byConfig === true || !sparesData) return [automation, reason];
  return ['approve', `${reason} This plan changes only backups, no data: approval is enough.`];
}

function byRisk({ plan, running, window }: PolicyQuestion): readonly [Automation, string] {
  if (plan.risk === 'safe') return ['auto', 'the plan interrupts nothing'];
  if (plan.risk === 'data') return ['approve', 'the plan touches data'];
  if (running && window !== undefined) return ['auto', 'the plan interrupts an instance within its maintenance window'];
  return running ? ['approve', 'the plan interrupts a running instance'] : ['auto', 'the instance is already down'];
}
