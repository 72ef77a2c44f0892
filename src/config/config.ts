import { existsSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { ProblemsError } from '../errors.ts';
import { checkPrioritySettings, defaultPrioritySettings, type PrioritySettings } from '../priority/settings.ts';
import type { TriageSettings } from '../tasks/triage.ts';
import type { AlertSection } from './alerts.ts';
import type { Trust } from './trust.ts';

/** The complete settings of a repository, with defaults for everything that its problems.config.* does not set. */
export interface Config {
  /** Absolute; undefined without a config file. */
  readonly file: string | undefined;
  /** The folder that paths of the config are relative to: the file's own, or the one the search began in. Absolute. */
  readonly folder: string;
  /** The component of registries, by folder or file. */
  readonly components: Readonly<Record<string, string>>;
  /** Paths that are not scanned, as in .gitignore. */
  readonly ignore: readonly string[];
  readonly priority: PrioritySettings;
  readonly triage: TriageSettings;
  /** The swarm-manager's tasks folder, from which attempts are read; absolute, undefined if the config names none. */
  readonly tasksDir: string | undefined;
  /** Where the queue is, if it is not the state file of this machine. */
  readonly swarm: SwarmSettings;
  /** What is learned from earlier attempts. */
  readonly learning: LearningSettings;
  /** As in the file: the remediation engine checks it, with `checkConfig` of src/config/load.ts. */
  readonly remediation: Readonly<Record<string, unknown>>;
  readonly plugins: readonly string[];
  /** As in the file: src/service has the defaults. */
  readonly service: ServiceSection;
}

/** The section `service`: what `problems serve` does, and when. */
export interface ServiceSection extends AlertSection {
  readonly listen?: string;
  readonly tls?: { readonly certificate: string; readonly key: string };
  readonly proxy?: string;
  readonly rounds?: string;
  readonly look?: string;
  readonly backups?: { readonly verify?: string; readonly drill?: string; readonly archive?: string };
  readonly remediate?: 'off' | 'auto-only';
  readonly record?: boolean;
  readonly engines?: readonly { readonly name: string; readonly host: string; readonly certificates?: string }[];
}

export interface SwarmSettings {
  /** URL of a PostgreSQL database, without a password. */
  readonly store?: string;
  /** Name of the project in that database. */
  readonly project?: string;
  /** Id of the Docker engine that tasks of remediators are for. */
  readonly engine?: string;
}

export interface LearningSettings {
  /** Default true. */
  readonly enabled?: boolean;
  /** What an attempt counts for that was reported and not verified, 0 to 1. Default 0.5. */
  readonly reported?: number;
  /** Days after which an attempt counts half. Default 45. */
  readonly halfLifeDays?: number;
  /** A day, `2026-11-01`: attempts that ended before it are left out. Default: none is. */
  readonly since?: string;
}

export interface LoadConfigOptions {
  /** This file and no other. Relative to `from`. */
  readonly file?: string;
  /** Whether to search for a config if no `file` is given. Default true. */
  readonly lookup?: boolean;
  /**
   * Whether its code may run. Default `listed`: only if the user's own settings trust it. A config in JavaScript or TypeScript
   * is code, and so are plugins. With `never` plugins are left out.
   */
  readonly trust?: Trust;
  /**
   * Whether a config that was found, not named, must belong to you or to root: for commands that act on what it says. Default
   * false.
   */
  readonly ownOnly?: boolean;
}

const fileNames: readonly string[] = ['json', 'yaml', 'yml', 'js', 'mjs', 'ts'].map(
  (extension) => `problems.config.${extension}`,
);

/**
 * The config of a folder: the nearest problems.config.* from it upward to the repository's root. Outside a repository only
 * the folder itself is searched, so that a file in a shared folder above does not count.
 * @throws ProblemsError `bad-config`: it cannot be read, is invalid, is or names code that is not trusted, or a folder has two
 * configs.
 */
export async function loadConfig(from: string, options: LoadConfigOptions = {}): Promise<Config> {
  const { lookup = true, trust = 'listed', ownOnly = false } = options;
  const found = options.file === undefined && lookup ? findConfig(resolve(from)) : options.file;
  const file = found === undefined ? undefined : resolve(from, found);
  if (file === undefined) return completed({}, undefined, resolve(from));
  // A repository without a config, the usual case of a pre-commit hook, never pays for the schema.
  const [{ checkConfig, isCode, readConfigFile }, { requireOwner, requireTrust }, schema] = await Promise.all([
    import('./load.ts'),
    import('./trust.ts'),
    import('./schema.ts'),
  ]);
  const name = nameOf(file, from);
  if (ownOnly && options.file === undefined) requireOwner(file, `${name} is not used`);
  if (isCode(file)) await requireTrust({ file, says: `${name} is a program`, digestOf: file }, trust);
  const stated = checkConfig(schema.Config, await readConfigFile(file, name), { file: name, keys: [] });
  const { plugins = [] } = stated;
  const says = `${name} names plugins, which are programs`;
  if (plugins.length > 0 && trust !== 'never') await requireTrust({ file, says, digestOf: undefined }, trust);
  return completed({ ...stated, plugins: trust === 'never' ? [] : plugins }, file, dirname(file));
}

/** The settings that a file may set. */
interface StatedConfig {
  readonly components?: Config['components'];
  readonly ignore?: Config['ignore'];
  readonly priority?: { readonly [Key in keyof PrioritySettings]?: StatedNumbers<PrioritySettings[Key]> };
  readonly triage?: TriageSettings;
  readonly tasks?: { readonly dir?: string };
  readonly swarm?: Config['swarm'];
  readonly learning?: LearningSettings;
  readonly remediation?: Config['remediation'];
  readonly plugins?: Config['plugins'];
  readonly service?: ServiceSection;
}

type StatedNumbers<Setting> = Setting extends string ? Setting : Partial<Setting>;

function completed(stated: StatedConfig, file: string | undefined, folder: string): Config {
  return {
    file,
    folder,
    components: stated.components ?? {},
    ignore: stated.ignore ?? [],
    priority: withDefaults(stated.priority ?? {}),
    triage: stated.triage ?? {},
    tasksDir: stated.tasks?.dir === undefined ? undefined : resolve(folder, stated.tasks.dir),
    swarm: stated.swarm ?? {},
    learning: stated.learning ?? {},
    remediation: stated.remediation ?? {},
    plugins: stated.plugins ?? [],
    service: stated.service ?? {},
  };
}

function withDefaults(stated: NonNullable<StatedConfig['priority']>): PrioritySettings {
  const usual = defaultPrioritySettings;
  const settings: PrioritySettings = {
    profile: stated.profile ?? usual.profile,
    urgency: { ...usual.urgency, ...stated.urgency },
    cost: { ...usual.cost, ...stated.cost },
    weights: { ...usual.weights, ...stated.weights },
    bands: { ...usual.bands, ...stated.bands },
    cooldown: { ...usual.cooldown, ...stated.cooldown },
  };
  checkPrioritySettings(settings);
  return settings;
}

function findConfig(from: string): string | undefined {
  const own = configIn(from);
  if (own !== undefined) return own;
  const folders = foldersToRepository(from);
  for (const folder of folders ?? []) {
    const file = configIn(folder);
    if (file !== undefined) return file;
  }
  return undefined;
}

/** The folders above one, from the nearest to the repository's root; undefined outside a repository. */
function foldersToRepository(from: string): readonly string[] | undefined {
  const folders: string[] = [];
  for (let folder = from; ; folder = dirname(folder)) {
    if (folder !== from) folders.push(folder);
    if (existsSync(join(folder, '.git'))) return folders;
    if (folder === dirname(folder)) return undefined;
  }
}

function configIn(folder: string): string | undefined {
  const [first, second] = fileNames.filter((name) => existsSync(join(folder, name)));
  if (first !== undefined && second !== undefined) {
    throw new ProblemsError('bad-config', `Both ${first} and ${second} exist.`, {
      hint: 'Keep one of the two.',
    });
  }
  return first === undefined ? undefined : join(folder, first);
}

/** The path as users write it: relative if the file is below. */
function nameOf(file: string, from: string): string {
  const name = relative(from, file).replaceAll('\\', '/');
  return name.startsWith('..') ? basename(file) : name;
}
