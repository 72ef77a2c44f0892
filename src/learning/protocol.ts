import { z } from 'zod';

/**
 * The lines of `problems rank --jsonl`. Every key below is required; keys that are not known are ignored, so that a
 * program may send more than this version reads. Times are hours since the start of the period.
 */

const most = {
  events: 1_000_000,
  open: 1_000_000,
  handlers: 100,
  instances: 100_000,
  days: 10_000,
  trials: 1_000_000,
} as const;

const hours = z.number().describe('Hours since the start of the period; hour 0 is 00:00 of a Monday.');
const id = z.string().min(1).max(500);
const word = z.string().max(500);
const share = z.number().min(0).max(1);
const count = z.number().min(0).max(1e9);

export const RecordView = z
  .object({
    id,
    kind: z.enum(['active', 'intermittent', 'pattern']),
    class: word,
    topic: word,
    finding: word,
    instance: word,
    image: word,
    postgres: z.number().describe('The major version.'),
    estimates: z.object({
      impact: z.number().min(0).max(10),
      urgency: z.enum(['critical', 'high', 'medium', 'low']),
      successProb: share,
      resourceCost: z.enum(['minimal', 'moderate', 'heavy']),
      provenance: z.enum(['stated', 'derived']),
    }),
    handlers: z.array(id).min(1).max(most.handlers).describe('Who can take it; first the one that triage names.'),
    pattern: id.nullable().describe('The record of the pattern that it is a case of.'),
    openedAt: hours,
  })
  .describe('What is known of a problem when it is opened.');

const Batch = z
  .object({
    id,
    hour: z.number().min(0).max(24),
    size: count,
    gapMinutes: count.describe('Between one creation and the next.'),
    startMinutes: count.describe('From the creation of an instance to its start.'),
    explicitPorts: share.describe('The share of instances that ask for a particular port.'),
    instances: count.describe('How many instances there already are.'),
  })
  .describe('Instances that are created together.');

const Event = z.discriminatedUnion('type', [
  z.object({ type: z.literal('opened'), at: hours, record: RecordView }),
  z.object({
    type: z.literal('outcome'),
    at: hours,
    id,
    handler: id,
    startedAt: hours,
    minutes: count,
    fixed: z.boolean(),
  }),
  z.object({ type: z.literal('recurred'), at: hours, id }),
  z.object({ type: z.literal('vanished'), at: hours, id }),
  z.object({ type: z.literal('batch'), at: hours, batch: Batch, conflict: z.boolean() }),
]);

const events = z.array(Event).max(most.events).describe('What happened since the last line, each event once.');
const period = z.tuple([hours, hours]).describe('From, and to: the end is not part of it.');

const Request = z.discriminatedUnion('type', [
  z
    .object({
      type: z.literal('start'),
      seed: z.union([z.number(), word]),
      workers: count,
      scanHours: count,
    })
    .describe('Forgets everything. Has no answer.'),
  z.object({
    type: z.literal('rank'),
    now: hours,
    take: count.describe('The most problems to name.'),
    events,
    open: z.array(id).max(most.open),
  }),
  z.object({ type: z.literal('forecast'), now: hours, events, batch: Batch }),
  z.object({ type: z.literal('explain'), now: hours, id }),
  z.object({
    type: z.literal('memory'),
    budget: z.number().min(0).max(1e15),
    instances: z
      .array(
        z.object({
          name: id,
          template: word,
          limit: z.number().min(0).max(1e15),
          days: z.array(z.object({ peak: z.number().min(0).max(1e15), killed: z.boolean() })).max(most.days),
        }),
      )
      .max(most.instances),
  }),
  z.object({
    type: z.literal('measure'),
    trials: z.array(z.object({ at: hours, kind: z.enum(['creation', 'backup']), ok: z.boolean() })).max(most.trials),
    before: period,
    after: period,
  }),
]);

const Rate = z.object({ rate: share, low: share, high: share }).describe('With its 90% interval.');
const Pair = z.object({ before: Rate, after: Rate, better: share.describe('The probability that it has risen.') });
const unknown = z.array(z.string()).optional().describe('Ids that no event has opened; absent if there are none.');

const Answer = z.union([
  z.object({
    order: z
      .array(
        z.object({
          id: z.string(),
          handler: z.string(),
          success: share,
          minutes: z.number().describe('The median.'),
          low: z.number(),
          high: z.number().describe('With `low` an 80% interval.'),
        }),
      )
      .describe('Best first.'),
    unknown,
  }),
  z.object({ conflict: share, unknown }),
  z.object({
    score: z.number(),
    factors: z
      .array(
        z.object({
          name: z.enum(['impact', 'urgency', 'success', 'lasts', 'prevents', 'cost', 'cooldown']),
          value: z.number(),
          provenance: z.enum(['stated', 'calibrated', 'derived', 'learned', 'attempts']),
          reason: z.string(),
        }),
      )
      .describe('They multiply to the score.'),
  }),
  z.object({ limits: z.record(z.string(), z.number()).describe('By instance; together at most the budget.') }),
  z.object({ creation: Pair, backup: Pair }),
  z.object({
    error: z
      .object({ line: z.int().min(1), message: z.string(), hint: z.string() })
      .describe('The line was not used; all others are.'),
  }),
]);

/** For the JSON Schema: one line of standard input, and one of standard output. */
export const rankProtocol = z
  .object({ request: Request, answer: Answer })
  .describe(
    'The lines of `problems rank --jsonl`: `request` is one line of standard input, `answer` one of standard output. Each request except `start` has one answer.',
  );

export type RankRequest = z.infer<typeof Request>;

/**
 * Reads one line. Returns what is wrong with it as one sentence, with the place of the value.
 */
export function readRequest(value: unknown): { readonly request: RankRequest } | { readonly fault: string } {
  const result = Request.safeParse(value);
  if (result.success) return { request: result.data };
  const [issue] = result.error.issues;
  const place = issue?.path.map((part) => String(part).slice(0, 100)).join('.') ?? '';
  return { fault: `${place === '' ? 'the line' : place}: ${issue?.message ?? 'is not valid'}` };
}
