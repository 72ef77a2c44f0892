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
