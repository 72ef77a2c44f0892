import { type Config, loadConfig, type LoadConfigOptions } from '../config/config.ts';
import { ProblemsError } from '../errors.ts';

/** The options of every command that reads a config and runs no code of it. */
export const dataConfigOptions = {
  config: {
    type: 'text',
    value: 'file',
    about: 'Use this config file instead of the nearest problems.config.*.',
    completion: 'file',
  },
  configLookup: { type: 'flag', default: true, about: 'Do not look for a config file.' },
} as const;

/** The options of every other command that reads a config. */
export const configOptions = {
  ...dataConfigOptions,
  trustConfig: {
    type: 'flag',
    about: 'Run the code of the config: of one in JavaScript or TypeScript, and of plugins.',
  },
} as const;

export interface ConfigChoice {
  readonly config: string | undefined;
  readonly configLookup: boolean;
  /** Undefined: the command runs no code. */
  readonly trustConfig?: boolean;
}

/** Loads the config that the options select. */
export function configFor(
  { config, configLookup, trustConfig }: ConfigChoice,
  cwd: string,
  options: Pick<LoadConfigOptions, 'ownOnly'> = {},
): Promise<Config> {
  if (config !== undefined && !configLookup) {
    throw new ProblemsError('bad-usage', '--config and --no-config-lookup cannot be used together.');
  }
  return loadConfig(cwd, {
    ...options,
    ...(config === undefined ? {} : { file: config }),
    lookup: configLookup,
    trust: trustConfig === undefined ? 'never' : trustConfig ? 'given' : 'listed',
  });
}

/** The arguments and options of commands about one record or task. */
export const lookUpArguments = [
  {
    name: 'id',
    about: 'Id of a record or task, or the last part of a record id.',
    required: true,
    completion: 'records',
  },
  {
    name: 'paths',
    about: 'Folders and files to search. Default: the working folder, then its whole project.',
    variadic: true,
    completion: 'folder',
  },
] as const;

export const lookUpOptions = {
  json: { type: 'flag', about: 'Print one JSON object.' },
  ...configOptions,
} as const;

/** The option that moves data to named volumes: see docs/remediation/volume-permissions.md. */
export const movingOptions = {
  toNamedVolume: {
    type: 'words',
    value: 'names',
    about:
      'Move the data of these instances from a folder to a named volume. Nothing else is repaired unless you name it.',
  },
} as const;

interface MoveChoice {
  readonly instance: readonly string[];
  readonly remediator: readonly string[];
  readonly toNamedVolume: readonly string[];
}

/** Whether a move is all that was asked for: then nothing is checked. */
export function isMoveOnly(words: readonly string[], { instance, remediator, toNamedVolume }: MoveChoice): boolean {
  return toNamedVolume.length > 0 && words.length + instance.length + remediator.length === 0;
}
