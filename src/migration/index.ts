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
