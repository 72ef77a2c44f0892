import { ProblemsError } from '../errors.ts';
import type { Band, ResourceCost, Urgency } from './types.ts';

/** How estimates become a score. All of it can be configured; docs/priority.md explains each part. */
export interface PrioritySettings {
  /**
   * `published`: each factor times its weight. `elastic`: each factor to the power of its weight. `learned`: as `published`; the
   * use cases of the library then go over to what earlier attempts have shown, see docs/learning.md.
   */
  readonly profile: 'published' | 'elastic' | 'learned';
  readonly urgency: Readonly<Record<Urgency, number>>;
  readonly cost: Readonly<Record<ResourceCost, number>>;
  readonly weights: Readonly<Record<'impact' | 'urgency' | 'success' | 'cost', number>>;
  /** The lowest score of each band; scores below `medium` are low. */
  readonly bands: Readonly<Record<Exclude<Band, 'low'>, number>>;
  /** The waiting period after the first failure, and the longest one. In hours. */
  readonly cooldown: { readonly baseHours: number; readonly maximumHours: number };
}

/** The swarm-manager's published scales and weights. */
export const defaultPrioritySettings: PrioritySettings = {
  profile: 'published',
  urgency: { critical: 4, high: 3, medium: 2, low: 1 },
  cost: { minimal: 1, moderate: 2, heavy: 3 },
  weights: { impact: 1.0, urgency: 0.8, success: 0.6, cost: 0.5 },
  bands: { critical: 20, high: 8, medium: 3 },
  cooldown: { baseHours: 24, maximumHours: 168 },
};

/** Settings that were already checked, since every score checks them. */
const checkedSettings = new WeakSet<PrioritySettings>();

const positive = { minimum: 0.001, maximum: 1000 } as const;
const exponent = { minimum: 0.001, maximum: 10 } as const;

/**
 * Refuses settings that could give an infinite or NaN score.
 * @throws ProblemsError `bad-config`: a scale is not within 0.001 to 1000, a weight not within 0.001 to 10 (`elastic`)
 * or 0.001 to 1000 (`published`), a period or band is not a number, or the bands do not descend.
 */
export function checkPrioritySettings(settings: PrioritySettings): void {
  if (checkedSettings.has(settings)) return;
  check('urgency', settings.urgency, positive);
  check('cost', settings.cost, positive);
  check('weights', settings.weights, settings.profile === 'elastic' ? exponent : positive);
  check('cooldown', settings.cooldown, { minimum: 0, maximum: 100_000 });
  check('bands', settings.bands, { minimum: 0, maximum: Number.MAX_VALUE });
  const { critical, high, medium } = settings.bands;
  if (critical < high || high < medium) refuse('bands', 'must descend from critical over high to medium');
  checkedSettings.add(settings);
}

function check(
  name: string,
  values: Readonly<Record<string, number>>,
  range: { readonly minimum: number; readonly maximum: number },
): void {
  for (const [key, value] of Object.entries(values)) {
    if (value >= range.minimum && value <= range.maximum) continue;
    refuse(`${name}.${key}`, `must be a number from ${range.minimum} to ${range.maximum}, but is ${value}`);
  }
}

function refuse(name: string, fault: string): never {
  throw new ProblemsError('bad-config', `The priority setting ${name} ${fault}.`, {
    hint: 'docs/priority.md lists the settings and their defaults.',
  });
}
