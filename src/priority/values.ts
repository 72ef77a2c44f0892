import type { Estimates, ResourceCost, Urgency } from './types.ts';

/** The values of the four estimates, without where they come from. */
export type EstimateValues = { readonly [Name in keyof Estimates]: Estimates[Name]['value'] };

export const impactRange = { minimum: 1, maximum: 10 } as const;

/** From the one that matters most to the one that matters least. */
export const urgencies = ['critical', 'high', 'medium', 'low'] as const satisfies readonly Urgency[];

/** From the cheapest on. */
export const resourceCosts = ['minimal', 'moderate', 'heavy'] as const satisfies readonly ResourceCost[];

export function isImpact(value: unknown): value is number {
  return typeof value === 'number' && value >= impactRange.minimum && value <= impactRange.maximum;
}

export function isProbability(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 1;
}

export function isUrgency(value: unknown): value is Urgency {
  return urgencies.some((urgency) => urgency === value);
}

export function isResourceCost(value: unknown): value is ResourceCost {
  return resourceCosts.some((cost) => cost === value);
}

/** Which values each estimate can have. `NaN` and infinities are none of them. */
export const isEstimate: {
  readonly [Name in keyof EstimateValues]: (value: unknown) => value is EstimateValues[Name];
} = {
  impact: isImpact,
  urgency: isUrgency,
  successProb: isProbability,
  resourceCost: isResourceCost,
};
