import { z } from 'zod';
import { ProblemsError } from '../errors.ts';
import { automations, problemClasses, type Task, taskFlags, taskKinds } from '../tasks/types.ts';
import { bounds } from './bounds.ts';

/** A task as the store keeps it. The type of src/tasks is the reference; `satisfies` makes the compiler compare the two. */

const level = z.enum(['critical', 'high', 'medium', 'low']);

const provenance = z.enum(['stated', 'calibrated', 'derived', 'learned']);

function estimate<Value extends z.ZodType>(value: Value) {
  return z.strictObject({ value, provenance, reason: z.string() });
}

const taskSchema = z.strictObject({
  id: z.string().regex(/^[a-z0-9-]{1,100}$/),
  kind: z.enum(taskKinds),
  title: z.string(),
  description: z.string(),
  problem: z.string(),
  component: z.string(),
  target: z.string(),
  severity: level.exactOptional(),
  lastOccurrence: z.string().exactOptional(),
  flags: z.array(z.enum(taskFlags)),
  dependencies: z.array(z.string()),
  class: z.enum(problemClasses),
  classReason: z.string(),
  handler: z.string(),
  handlerReason: z.string(),
  automation: z.enum(automations),
  automationReason: z.string(),
  estimates: z.strictObject({
    impact: estimate(z.number()),
    urgency: estimate(level),
    successProb: estimate(z.number()),
    resourceCost: estimate(z.enum(['minimal', 'moderate', 'heavy'])),
  }),
  priority: z.strictObject({
    score: z.number(),
    band: level,
    factors: z.array(
      z.strictObject({
        name: z.enum(['impact', 'urgency', 'success', 'lasts', 'prevents', 'cost', 'cooldown']),
        estimate: z.union([z.string(), z.number()]),
        scale: z.number(),
        weight: z.number(),
        weighted: z.number(),
        provenance: z.enum([...provenance.options, 'attempts']),
        reason: z.string(),
      }),
    ),
  }),
}) satisfies z.ZodType<Task>;

/** @throws ProblemsError `bad-usage`: the task is too large. */
export function payloadOf(task: Task): string {
  const text = JSON.stringify(task);
  // A character takes three bytes at most: short texts need not be counted.
  if (text.length * 3 > bounds.payloadBytes && Buffer.byteLength(text) > bounds.payloadBytes)
    throw new ProblemsError('bad-usage', `The task ${task.id} is larger than ${bounds.payloadBytes} bytes.`);
  return text;
}

/** Undefined if it is not a task. */
export function readPayload(text: string): Task | undefined {
  try {
    return taskSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** What an approval is about: what is to be done, where, and by whom. Not why, how urgent, or in which order. */
export function approvedContent(task: Task): string {
  const { id, kind, title, description, problem, component, target, handler, class: topic } = task;
  return JSON.stringify([id, kind, title, description, problem, component, target, handler, topic]);
}
