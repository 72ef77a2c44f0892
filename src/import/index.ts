export { importProblems } from './import.ts';
export { titleKey } from './titles.ts';
export type * from './types.ts';
