export { type HostBudget, hostBudget, instanceBudget, shareOfUnlimited } from './memory-fit.ts';
export { type Ceiling, connectionCeiling } from './memory-fit.ts';
export { fit } from './memory-fit.ts';
export { pgtune, type PgtuneInput } from './pgtune.ts';
export { type DiskKind, diskKinds, type Profile, profiles } from './profiles.ts';
export { recommend, type Recommendation, type TuningFacts } from './recommend.ts';
export { type Advice, amountOf, formatValue, type Rule, type SettingValue } from '../settings.ts';
export { formatSize, parseSize, readableSize } from '../sizes.ts';
export {
  hostReserve,
  type MemoryFacts,
  sharedMemoryOf,
  usableShare,
  type WorstCase,
  worstCaseOf,
} from './memory-fit.ts';
