import { active } from './active.ts';
import { analysis } from './analysis.ts';
import { integration } from './integration.ts';
import { intermittent } from './intermittent.ts';
import { pattern } from './pattern.ts';
import { resolved } from './resolved.ts';

/** All kinds, in the order of every list of them. */
export const kinds = [active, intermittent, resolved, pattern, analysis, integration] as const;

export type KindName = (typeof kinds)[number]['name'];
