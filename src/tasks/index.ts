export * from './formats/swarm-manager/index.ts';
export { type GenerateOptions, generateTasks, type RegistryInput } from './generate.ts';
export { type Allowance, type Policy, type PolicyPhrase, readPolicy } from './policy.ts';
export { triage, type TriageSettings } from './triage.ts';
export { type Classifier, classifierWith, defaultClassifier, type Topic, type TriageRule } from './classify.ts';
export type * from './types.ts';
