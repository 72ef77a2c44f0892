export { isMigrationName, migrationsOf, nameObstacle, type Migration } from './files.ts';
export { flatText } from './kinds-of-statement.ts';
export { runnableOf } from './mode.ts';
export { droppedBy, madeBy } from './objects.ts';
export { type Ledger, type LedgerRow, outOfOrder, type Standing, standingOf } from './standing.ts';
export { split } from './statements.ts';
export { tokensOf } from './tokens.ts';
export { dropInvalidIndex } from './running/indexes.ts';
export { ledgerOf, ledgerPlace, readingLedger, tablesOf } from './running/ledger.ts';
export { freshen } from './running/asking.ts';
export { lockHolders, takeLock } from './running/lock.ts';
export { describing, differences, fingerprintOf } from './describing.ts';
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
export { migrateFromTemplate, type TemplateReport } from './running/templates.ts';
