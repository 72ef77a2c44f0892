export * from './formats/swarm-manager/index.ts';
export { type GenerateOptions, generateTasks, type RegistryInput } from './generate.ts';
export { readPolicy } from './policy.ts';
export { triage, type TriageSettings } from './triage.ts';
export { classifierWith, defaultClassifier } from './classify.ts';
export type * from './types.ts';
