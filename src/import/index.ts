export { sureConfidence } from './confidence.ts';
export { importProblems } from './import.ts';
export { recordFixes } from './place.ts';
export {
  type ImportAction,
  type ImportItem,
  type ImportPlan,
  type ImportSource,
  type ImportTarget,
  planImport,
  type PlanOptions,
} from './plan.ts';
export { titleKey } from './titles.ts';
export type * from './types.ts';
export type { ImportChange } from './update.ts';
