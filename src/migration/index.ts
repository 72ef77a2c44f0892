export {
  checksumOf,
  isMigrationName,
  migrationsOf,
  nameObstacle,
  type Migration,
  type MigrationFile,
} from './files.ts';
export { type AloneKind, aloneKindOf, flatText } from './kinds-of-statement.ts';
export { type Mode, type Obstacle, runnableOf, type Runnable } from './mode.ts';
export { droppedBy, madeBy, type NamedObject } from './objects.ts';
export { type Ledger, type LedgerRow, outOfOrder, type Standing, standingOf } from './standing.ts';
export { positionOf, split, type Statement } from './statements.ts';
export { type Token, tokensOf } from './tokens.ts';
export { dropInvalidIndex, indexOf } from './running/indexes.ts';
export { ledgerOf, ledgerPlace, type LedgerTables, readingLedger, tablesOf } from './running/ledger.ts';
export { ask, freshen } from './running/asking.ts';
export { lockHolders, takeLock } from './running/lock.ts';
export { describing, differences, fingerprintOf, type RelationName } from './describing.ts';
export {
  buildIndexAgain,
  indexOfFile,
  isRelation,
  recordAsDone,
  relationsOfFile,
  takeBackIndex,
  takeBackRows,
} from './running/rebuilding.ts';
export { isLostRaceState } from './running/retrying.ts';
export { migrate } from './running/migrate.ts';
export type * from './running/types.ts';
export { type Clone, migrateFromTemplate, type TemplateOptions, type TemplateReport } from './running/templates.ts';
