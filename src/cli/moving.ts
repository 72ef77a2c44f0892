import type { RequestedSettings } from './requested-settings.ts';

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
