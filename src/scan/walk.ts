import { lstatSync } from 'node:fs';
import type { IgnoreRules } from './ignore-rules.ts';
import { joined } from './paths.ts';
import { type Step, type Visit, visitFolder, type VisitContext } from './visit.ts';

/**
 * Visits a folder and all below it that is not ignored. Symbolic links are not followed, so no circle is walked and
 * nothing outside is reached; `node_modules` and `.git` are never entered. What the earlier scan saw stands in for
 * listing a folder and reading a file wherever the stamps still fit.
 */
export function* walk(options: Omit<VisitContext, 'device'>, rules: IgnoreRules): Generator<Visit, void> {
  const context = { ...options, device: lstatSync(options.root, { throwIfNoEntry: false })?.dev ?? Number.NaN };
  const steps: Step[] = [{ path: '', rules, isKnown: true }];
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    const visit = visitFolder(context, step);
    if (visit === undefined) continue;
    yield visit;
    for (const folder of visit.entry?.folders ?? []) {
      steps.push({ path: joined(step.path, folder), rules: visit.rules, isKnown: visit.isKnown });
    }
  }
}
