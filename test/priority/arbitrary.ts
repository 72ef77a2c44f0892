import fc from 'fast-check';
import type { PrioritisedKind } from '../../src/priority/index.ts';
import type { Estimates } from '../../src/priority/types.ts';
import { resourceCosts, urgencies } from '../../src/priority/priority.ts';
import { active as activeKind } from '../../src/registry/kinds/active.ts';
import { active, intermittent, line, pattern, resolved } from './records.ts';

export const urgency = fc.constantFrom(...urgencies);
export const resourceCost = fc.constantFrom(...resourceCosts);
export const impact = fc.double({ min: 1, max: 10, noNaN: true });
export const successProb = fc.double({ min: 0, max: 1, noNaN: true });

export const estimates: fc.Arbitrary<Estimates> = fc
  .record({ impact, urgency, successProb, resourceCost })
  .map((values) => ({
    impact: { value: values.impact, provenance: 'stated', reason: '' },
    urgency: { value: values.urgency, provenance: 'stated', reason: '' },
    successProb: { value: values.successProb, provenance: 'stated', reason: '' },
    resourceCost: { value: values.resourceCost, provenance: 'stated', reason: '' },
  }));

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('Port Conflicts', 'Data corruption', 'unknown', 'Connection pool, see Port Conflicts', 'none'),
);

function termOf<const Terms extends object>(terms: Terms): fc.Arbitrary<keyof Terms & string> {
  return fc.constantFrom(...(Object.keys(terms) as (keyof Terms & string)[]));
}

function stated<const Shape extends object>(shape: { [Key in keyof Shape]: fc.Arbitrary<Shape[Key]> }): fc.Arbitrary<
  Partial<Shape>
> {
  return fc.record(shape, { requiredKeys: [] }) as fc.Arbitrary<Partial<Shape>>;
}

const { header } = activeKind;

/** Records of any kind with anything in them, the numbers out of range and not finite included. */
export const record: fc.Arbitrary<PrioritisedKind> = fc.oneof(
  fc
    .tuple(
      text,
      fc.nat(1000),
      stated({
        status: termOf(header.Status.value.terms),
        severity: termOf(header.Severity.value.terms),
        frequency: termOf(header.Frequency.value.terms),
        impact: termOf(header.Impact.value.terms),
        lastOccurrence: fc.constantFrom('2025-01-01', '2025-01-01T10:00', 'soon'),
        tags: fc.array(text, { maxLength: 3 }),
        description: text,
        investigationStatus: stated({ rootCause: text, relatedIssues: text }),
        priorityEstimates: stated({ impact: fc.double(), urgency, successProb: fc.double(), resourceCost }),
      }),
    )
    .map(([title, at, rest]) => active({ title, place: line(at), ...rest })),
  fc
    .tuple(
      text,
      fc.nat(1000),
      stated({ problemPattern: stated({ triggers: text }), lastSeen: fc.constant('2025-02-03') }),
    )
    .map(([title, at, rest]) => intermittent({ title, place: line(at), ...rest })),
  fc
    .tuple(
      text,
      fc.nat(1000),
      stated({
        preventionMeasures: stated({ designChanges: text, trainingNeeds: text, monitoringEnhancements: text }),
      }),
    )
    .map(([title, at, rest]) => pattern({ title, place: line(at), ...rest })),
  fc
    .tuple(text, fc.nat(1000), stated({ lessonsLearned: stated({ knowledgeGaps: text, detection: text }) }))
    .map(([title, at, rest]) => resolved({ title, place: line(at), ...rest })),
);
