import { z } from 'zod';
import { importRules } from '../import/find.ts';
import { importActions } from '../import/plan.ts';
import { importedKinds, importedSections, importedSeverities, importedStatuses } from '../import/types.ts';

/** The output of `problems import --json`. Strict: a missing property is a defect. */

const Line = z.int().min(1);
const Lines = z.strictObject({ line: Line, endLine: Line }).describe('Lines of the file, from 1, both inclusive.');
const LinesOf = z.array(Lines).describe('The lines that state it; empty if none does.');

const Day = z.string().regex(/^\d{4}-\d{2}-\d{2}$/);
const rules = importRules.filter(({ verdict }) => verdict === 'problem').map(({ name }) => name);

const Proposal = z.strictObject({
  path: z.string().describe('The file, relative to the working folder.'),
  component: z.string(),
  title: z.string().min(1).describe('Without number, id, state, date and decoration.'),
  rawTitle: z.string().describe('As it is written, without the signs of heading or list.'),
  rule: z.enum(rules).describe('The rule that took it for a problem: docs/import.md lists them.'),
  id: z.string().nullable().describe('An id that the author wrote.'),
  line: Line,
  endLine: Line,
  occurrence: z.int().min(1).describe('1 for the first problem of this title in the file.'),
  kind: z.enum(importedKinds),
  status: z.enum(importedStatuses).nullable().describe('Null if no line states it.'),
  severity: z.enum(importedSeverities).nullable().describe('Null if no line states it.'),
  dates: z.strictObject({ discovered: Day.nullable(), resolved: Day.nullable() }),
  sections: z.array(
    z.strictObject({
      key: z.enum(importedSections),
      label: z.string().nullable().describe('As it is written; null for text before the first label.'),
      text: z.string().min(1),
      line: Line,
      endLine: Line,
    }),
  ),
  rest: z.array(Lines).describe('Lines that have no place in a record. They stay text.'),
  provenance: z
    .strictObject({
      title: LinesOf,
      kind: LinesOf,
      status: LinesOf,
      severity: LinesOf,
      discovered: LinesOf,
      resolved: LinesOf,
    })
    .extend(Object.fromEntries(importedSections.map((key) => [key, LinesOf.optional()]))),
  confidence: z.number().min(0).max(1),
  reasons: z.array(z.string()).describe('What lowers the confidence.'),
  taken: z.boolean().describe('Whether the confidence is at least `--min-confidence`.'),
});

const Change = z.strictObject({
  name: z.string().describe('The label, section or field; `kind` for the kind of the record.'),
  value: z.string().describe('What the source says now.'),
  refused: z.string().nullable().describe('Why the record does not say it; null if it does.'),
});

const Item = z.strictObject({
  action: z.enum(importActions),
  source: z.string(),
  line: Line.nullable(),
  title: z.string(),
  kind: z.string(),
  status: z.string().nullable(),
  severity: z.string().nullable(),
  confidence: z.number().min(0).max(1).nullable(),
  id: z.string().nullable().describe('Of the record; null if there is none.'),
  changes: z.array(Change),
  reasons: z.array(z.string()),
});

export const ImportOutput = z
  .strictObject({
    schemaVersion: z.literal(1),
    records: z.array(Proposal).describe('Every proposal, in the order of the files and of each file.'),
    files: z.array(
      z.strictObject({
        path: z.string(),
        component: z.string(),
        proposals: z.int().min(0),
        ignored: z
          .array(z.strictObject({ title: z.string(), line: Line, reason: z.string() }))
          .describe('Headings that were taken for something else.'),
        marked: z.array(Lines).describe('Records that have markers already.'),
        textLines: z.int().nonnegative().describe('How many lines with text stay text.'),
        nothing: z.string().nullable().describe('If nothing is proposed: why.'),
      }),
    ),
    registries: z.array(
      z.strictObject({
        path: z.string(),
        component: z.string(),
        exists: z.boolean(),
        changes: z.boolean().describe('Whether the import changes it.'),
        written: z.boolean(),
        sources: z.array(z.string()),
        items: z.array(Item).describe('What becomes of each problem.'),
      }),
    ),
    refused: z.array(z.strictObject({ path: z.string(), message: z.string() })),
  })
  .describe('What `problems import --json` prints.');
