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

/** The config's section with the instances to move in the settings of the remediator, in place of those that it names. */
export function withMoveSettings(
  section: Readonly<Record<string, unknown>>,
  toNamedVolume: readonly string[] | undefined,
): Readonly<Record<string, unknown>> {
  if (toNamedVolume === undefined || toNamedVolume.length === 0) return section;
  const settings = objectOf(section['settings']);
  const own = { ...objectOf(settings['volume-permissions']), toNamedVolume };
  return { ...section, settings: { ...settings, 'volume-permissions': own } };
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}
