import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Command, optionName } from '../../src/cli/command.ts';
import { loadCommands } from '../../src/cli/commands/index.ts';
import { diagnosticCatalogue } from '../../src/registry/diagnostics.ts';
import { remediationConfig } from '../../src/remediation/config.ts';
import { type Action, actions, operations, remediators, type Schema } from '../../src/app/remediation.ts';
import { backupSettings } from '../../src/remediation/remediators/backup-repair/types.ts';
import { requestSettings } from '../../src/remediation/requests/backups.ts';
import { poolSettings } from '../../src/remediation/remediators/connection-pool/types.ts';
import { memorySettings } from '../../src/remediation/remediators/memory/types.ts';
import { migrationSettings } from '../../src/remediation/remediators/migration-lock/types.ts';
import { networkSettings } from '../../src/remediation/remediators/network-reconnect/types.ts';
import { portSettings } from '../../src/remediation/remediators/port-reassignment/types.ts';
import { volumeSettings } from '../../src/remediation/remediators/volume-permissions/types.ts';
import { golden } from './project.ts';

/* The names that other programs, config files, containers and databases hold: computed from the declarations. */

const none = { settings: {} };

const contracts = {
  commands: async () => Object.fromEntries((await loadCommands()).map((command) => [command.name, shapeOf(command)])),
  diagnostics: () => mapped(diagnosticCatalogue, ({ severity }) => severity),
  operations: () => mapped(operations, ({ floor }) => floor),
  actions: () =>
    Object.fromEntries(
      actions.map((action) => [
        action.name,
        {
          operation: operationNames(action),
          deadlineMs: action.deadlineMs,
          interrupts: action.interrupts,
          canUndo: action.undo !== undefined,
          params: schemaOf(action.params),
          before: schemaOf(action.undoState),
        },
      ]),
    ),
  remediators: () =>
    Object.fromEntries(
      remediators.map(({ name, details, expected }) => [
        name,
        { details: schemaOf(details), expected: schemaOf(expected) },
      ]),
    ),
  'remediation-config': () => ({
    schema: schemaOf(remediationConfig),
    defaults: remediationConfig.parse({}),
    settings: {
      'backup-repair': backupSettings(none),
      'backup-request': requestSettings(none),
      'connection-pool': poolSettings(none),
      memory: memorySettings(none),
      'migration-lock': migrationSettings(none),
      'network-reconnect': networkSettings(none),
      'port-reassignment': portSettings(none),
      'volume-permissions': volumeSettings(none),
    },
  }),
  names: () => ({
    labels: namesInSources(/(?<=['"`])problems\.(?!md|config)[a-z]+(?:-[a-z]+)*(?=['"`=])/g),
    asideAndLocks: namesInSources(/\.?pgops[-:][a-z:-]*/g),
    ledgers: namesInSources(/\b(?:problems|schema)_migrations\b/g),
    stateFolder: namesInSources(
      /(?<=['"`/ ])(?:\.problems-auto\.conf\.tmp|\.problems\/state\.db|dossiers|paused)(?=['"`/ ])/g,
    ),
    sidecars: namesInSources(/(?<=['"`])(?:metadata|verification|fingerprints|quarantine)\.json(?=['"`])/g),
  }),
} as const;

describe.each(Object.entries(contracts))('contract: %s', (name, compute) => {
  it('has not changed', async () => {
    const text = `${JSON.stringify(await compute(), undefined, 2)}\n`;
    await expect(text).toMatchFileSnapshot(golden(`contracts/${name}.json`));
  });
});

/** Everything of a command that a script relies on. */
function shapeOf({ arguments: words, options, exitCodes }: Command): unknown {
  return {
    arguments: words.map(({ about: _, ...rest }) => rest),
    options: Object.fromEntries(
      Object.entries(options).map(([property, { about: _, ...rest }]) => [
        `--${rest.type === 'flag' && rest.default === true ? 'no-' : ''}${optionName(property)}`,
        rest,
      ]),
    ),
    exitCodes: exitCodes.map(({ code }) => code),
  };
}

/** Without the human-readable texts. */
function schemaOf(schema: Schema): unknown {
  if (!(schema instanceof z.ZodType)) throw new TypeError('not a schema of zod');
  const text = JSON.stringify(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }));
  return JSON.parse(text, function (key, value) {
    return key === 'description' && typeof value === 'string' ? undefined : value;
  });
}

function mapped<Key extends string, Value, Kept>(
  record: Readonly<Record<Key, Value>>,
  keep: (value: Value) => Kept,
): Readonly<Record<string, Kept>> {
  return Object.fromEntries(Object.entries<Value>(record).map(([key, value]) => [key, keep(value)]));
}

/** What matches in the sources without their comments, wherever they lie: each once, sorted. */
function namesInSources(pattern: RegExp): readonly string[] {
  const sources = join(import.meta.dirname, '../../src');
  const names = readdirSync(sources, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => readFileSync(join(sources, path), 'utf8').replaceAll(/^\s*(?:\/?\*|\/\/).*$/gm, ''))
    .flatMap((text) => text.match(pattern) ?? []);
  return [...new Set(names)].toSorted();
}

function operationNames({ operation }: Action): unknown {
  return 'running' in operation ? { running: operation.running.name, stopped: operation.stopped.name } : operation.name;
}
