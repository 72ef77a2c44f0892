import { z } from 'zod';
import { diagnosticCatalogue } from '../registry/diagnostics.ts';
import { kinds } from '../registry/kinds/index.ts';
import { resourceCost, urgency } from '../registry/kinds/terms.ts';
import { anyRecordSchema, place } from '../registry/schema.ts';
import { automations, problemClasses, taskFlags, taskKinds } from '../tasks/types.ts';

/** The output of `--json` and `--format json`. Strict: a missing property is a defect. */

const Level = z.enum(['critical', 'high', 'medium', 'low']);
const Impact = z.number().min(1).max(10);
const Probability = z.number().min(0).max(1);
const Provenance = z
  .enum(['stated', 'calibrated', 'derived', 'learned'])
  .describe(
    'Stated in the record, calibrated by the integration block, derived from the header, or learned from outcomes.',
  );

const Factor = z.strictObject({
  name: z.enum(['impact', 'urgency', 'success', 'lasts', 'prevents', 'cost', 'cooldown']),
  estimate: z.union([z.string(), z.number()]).describe('What was estimated; for the cooldown, the number of failures.'),
  scale: z.number().describe('The number of the estimate on its scale.'),
  weight: z.number(),
  weighted: z.number().describe('The number after its weight.'),
  provenance: z.enum([...Provenance.options, 'attempts']),
  reason: z.string().describe('Which line, calibration or table row it came from.'),
});

const Priority = z.strictObject({
  score: z.number().describe('(impact × urgency × success) ÷ (cost × cooldown), each after its weight.'),
  band: Level,
  factors: z.array(Factor),
});

export const Task = z
  .strictObject({
    id: z
      .string()
      .regex(/^[a-z0-9-]{1,100}$/)
      .describe('Made from the content and stable: the same registries give the same ids.'),
    kind: z.enum(taskKinds),
    title: z.string(),
    description: z.string(),
    problem: z.string().describe('The id of the record it comes from.'),
    component: z.string(),
    target: z.string().describe("The registry's path."),
    class: z.enum(problemClasses),
    classReason: z.string(),
    handler: z.string().describe('A remediator, `agent` or `person`.'),
    handlerReason: z.string(),
    automation: z.enum(automations).describe('Whether a fix may run unattended.'),
    automationReason: z.string(),
    severity: Level.optional().describe('Of an Active record.'),
    lastOccurrence: z.string().optional().describe('When the problem was last seen, as ISO text.'),
    flags: z.array(z.enum(taskFlags)),
    dependencies: z.array(z.string()).describe('Ids of tasks that come first.'),
    estimates: z
      .strictObject({
        impact: Impact,
        urgency: z.enum(Object.keys(urgency.terms)),
        successProb: Probability,
        resourceCost: z.enum(Object.keys(resourceCost.terms)),
      })
      .describe('What the priority is computed from, as plain values; `provenance` has the same keys.'),
    provenance: z
      .strictObject({ impact: Provenance, urgency: Provenance, successProb: Provenance, resourceCost: Provenance })
      .describe('Where each estimate comes from. `priority.factors` has the reasons.'),
    priority: Priority,
  })
  .describe('A piece of work for the swarm.');

const Diagnostic = z
  .strictObject({
    path: z.string().describe('The registry, as it was named on the command line or found, with forward slashes.'),
    line: z.int().min(1),
    column: z.int().min(1).describe('In UTF-16 code units, from 1; ends are exclusive.'),
    endLine: z.int().min(1),
    endColumn: z.int().min(1),
    code: z.enum(Object.keys(diagnosticCatalogue)),
    severity: z.enum(['error', 'warning']),
    message: z.string(),
    hint: z.string(),
  })
  .describe('Something wrong in a registry.');

const TaskFiles = z.strictObject({
  changes: z
    .array(
      z.strictObject({
        id: z.string().describe('The id of the task.'),
        change: z.enum(['new', 'returned', 'updated', 'unchanged', 'standing', 'withdrawn']),
        path: z.string().describe('Its file, below the tasks folder.'),
      }),
    )
    .describe('One for each task, then those that were withdrawn.'),
  notes: z
    .array(z.strictObject({ path: z.string(), message: z.string() }))
    .describe('Files that were left alone, and why.'),
});

const counts = Object.fromEntries(kinds.map(({ name }) => [name, z.int().min(0)]));

export function scanSchema(): z.ZodType {
  return z
    .strictObject({
      schemaVersion: z.literal(1),
      registries: z
        .array(
          z.strictObject({
            path: z.string(),
            component: z.string(),
            records: z.strictObject(counts).describe('How many records of each kind it holds.'),
            unknown: z
              .array(
                z.strictObject({
                  marker: z.string().describe('The text between `EMBED:` and `:START`.'),
                  text: z.string().describe('The text between the markers, not parsed.'),
                  place: place.describe('From the START marker to the end of the END marker.'),
                }),
              )
              .optional()
              .describe('Blocks of unknown kinds, in the order of the file; absent if there are none.'),
          }),
        )
        .describe('Every registry that holds a marker, in the order of their paths.'),
      records: z.array(anyRecordSchema()).describe('In the order of the registries and of each file.'),
      tasks: z.array(Task).describe('In the order of their priorities.'),
      diagnostics: z.array(Diagnostic),
      summary: z.strictObject({
        withoutRecords: z.int().min(0).describe('How many PROBLEMS.md were found that hold no record.'),
      }),
      taskFiles: TaskFiles.optional().describe('What --write-tasks did; absent without it.'),
    })
    .describe('What `problems scan --json` prints.');
}

export const Validation = z
  .strictObject({
    schemaVersion: z.literal(1),
    registries: z.int().min(0).describe('How many files with markers were checked.'),
    errors: z.int().min(0),
    warnings: z.int().min(0),
    fixed: z
      .array(z.strictObject({ path: z.string(), line: z.int().min(1), code: z.string(), description: z.string() }))
      .describe('What `--fix` fixed. The diagnostics are those that remain.'),
    diagnostics: z.array(Diagnostic),
  })
  .describe('What `problems validate --format json` prints.');
