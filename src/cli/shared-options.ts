import { type Config, loadConfig } from '../config/config.ts';
import { ProblemsError } from '../errors.ts';

/** The options of every command that reads a config. */
export const configOptions = {
  config: {
    type: 'text',
    value: 'file',
    about: 'Take this config, not the nearest problems.config.*.',
    completion: 'file',
  },
  configLookup: { type: 'flag', default: true, about: 'Do not look for a config.' },
} as const;

export interface ConfigChoice {
  readonly config: string | undefined;
  readonly configLookup: boolean;
}

/** The config that the options of a command ask for. */
export function configFor({ config, configLookup }: ConfigChoice, cwd: string): Promise<Config> {
  if (config !== undefined && !configLookup) {
    throw new ProblemsError('bad-usage', '--config and --no-config-lookup contradict each other');
  }
  return loadConfig(cwd, { ...(config === undefined ? {} : { file: config }), lookup: configLookup });
}

/** The arguments and options of commands that speak of one record or task. */
export const lookUpArguments = [
  { name: 'id', about: 'The id of a record or of a task, or the last part of a record id.', required: true },
  { name: 'paths', about: 'Where to look. Default: here.', variadic: true, completion: 'folder' },
] as const;

export const lookUpOptions = {
  json: { type: 'flag', about: 'Print one JSON object.' },
  ...configOptions,
} as const;

/** By remediator: what the command line asks of it, in place of what its settings say. */
type RequestedSettings = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** The config's section `remediation` with these settings laid over those of the remediators. */
export function withRequestedSettings(
  section: Readonly<Record<string, unknown>>,
  requested: RequestedSettings,
): Readonly<Record<string, unknown>> {
  const settings = objectOf(section['settings']);
  const own = Object.entries(requested).map(([name, values]) => [name, { ...objectOf(settings[name]), ...values }]);
  return own.length === 0 ? section : { ...section, settings: { ...settings, ...Object.fromEntries(own) } };
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}

/** The option that asks for the data of instances to be moved; docs/remediation/volume-permissions.md. */
export const movingOptions = {
  toNamedVolume: {
    type: 'words',
    value: 'names',
    about: 'Move the data of these instances from a folder to a named volume; nothing else, unless it is named.',
  },
} as const;

interface Asked {
  readonly instance: readonly string[];
  readonly remediator: readonly string[];
  readonly toNamedVolume: readonly string[];
}

/** With a move alone, only its instances and its remediator are looked at. */
export function withMoves<Options extends Asked>(options: Options, words: readonly string[]): Options {
  const { instance, remediator, toNamedVolume } = options;
  if (toNamedVolume.length === 0 || words.length + instance.length + remediator.length > 0) return options;
  return { ...options, instance: toNamedVolume, remediator: ['volume-permissions'] };
}

/** The instances to move, in place of those that the config names. */
export function moveSettings(toNamedVolume: readonly string[] = []): RequestedSettings {
  return toNamedVolume.length === 0 ? {} : { 'volume-permissions': { toNamedVolume } };
}
