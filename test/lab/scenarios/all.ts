import type { Scenario } from '../scenario.ts';
import { inTurn } from '../waiting.ts';
import { backupCorruption } from './backup-corruption.ts';
import { healthy } from './healthy.ts';
import { memoryOversized } from './memory-oversized.ts';
import { migrationRace } from './migration-race.ts';
import { poolExhaustion } from './pool-exhaustion.ts';
import { portConflict } from './port-conflict.ts';
import { volumePermissions } from './volume-permissions.ts';
import { webguiUnreachable } from './webgui-unreachable.ts';

/** Every problem of the registry, each in a separate scenario. */
export const broken: readonly Scenario[] = [
  backupCorruption,
  memoryOversized,
  migrationRace,
  poolExhaustion,
  portConflict,
  volumePermissions,
  webguiUnreachable,
];

export const all: Scenario = {
  name: 'all',
  problem: undefined,
  description: 'Every other scenario at once, in one project.',
  async up(run, say) {
    // More servers that run initdb at once would keep each other from answering in time.
    await inTurn(
      4,
      [healthy, ...broken].map((scenario) => () => scenario.up(run, say)),
    );
  },
};
