export { sureConfidence } from './confidence.ts';
export { importProblems } from './import.ts';
export { titleKey } from './titles.ts';
export type * from './types.ts';
