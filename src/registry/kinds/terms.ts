import type { TermType } from './declaration.ts';

/** Closed lists that are used in more than one place. Source: docs/format.md. */

export const urgency = {
  type: 'term',
  terms: {
    critical: 'at once',
    high: 'within a day',
    medium: 'within a week',
    low: 'when there is time',
  },
} as const satisfies TermType;

export const resourceCost = {
  type: 'term',
  terms: {
    minimal: 'a few minutes of work',
    moderate: 'some hours of work',
    heavy: 'days of work, or much computation',
  },
} as const satisfies TermType;
