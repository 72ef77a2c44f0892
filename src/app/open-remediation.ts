import { existsSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { ProblemsError } from '../errors.ts';
import { openHost } from './open-host.ts';
import { actions as builtInActions } from '../remediation/actions/index.ts';
import type { Action, Remediator, OpenHost } from '../remediation/contract.ts';
import type { KnownProblem } from '../remediation/engine/detect.ts';
import type { PolicySettings } from '../remediation/engine/plan.ts';
import { openEngineContext, type Progress, type EngineContext } from '../remediation/engine/session.ts';
import { operations } from '../remediation/operations.ts';
import { maintenanceWindow } from '../remediation/policy/policy.ts';
import { remediators as builtInRemediators } from '../remediation/remediators/index.ts';
import { jsonValue, operationName } from '../remediation/schemas.ts';
import { openSqliteStore } from '../remediation/store/sqlite/store.ts';

const automationSchema = z.enum(['auto', 'approve', 'human']);

const instanceSection = z.strictObject({
  automation: automationSchema.exactOptional(),
  windows: z.array(maintenanceWindow).exactOptional(),
});

/** The section `remediation` of problems.config.*. */
export const remediationConfig = z.strictObject({
  /** Nothing runs unattended; the text says why. */
  pause: z.string().min(1).exactOptional(),
  /** By remediator and by instance; an instance counts before a remediator. */
  automation: z.record(z.string(), automationSchema).default({}),
  instances: z.record(z.string(), instanceSection).default({}),
  /** When instances may be restarted without asking; those of an instance stand in place of these. */
  windows: z.array(maintenanceWindow).default([]),
  /** Operations that need no approval here: `restart-running`, … */
  allow: z.array(operationName).default([]),
  /** Container names that are instances too; a first group is the instance's name. */
  containers: z.string().exactOptional(),
  /** Folders outside the project whose files may be read and edited. */
  roots: z.array(z.string()).default([]),
  /** Folders that hold `<instance>/config/instance.conf`. */
  instanceFolders: z.array(z.string()).default(['resources/postgres/instances', 'instances']),
  /** Folders that hold `<instance>/<backup>/`. New ones are taken to the first. */
  backupFolders: z.array(z.string()).min(1).default(['.vrooli/backups/postgres']),
  passfile: z.string().exactOptional(),
  attemptsPerDay: z.int().positive().default(2),
  /** How long a fixed problem must stay away before its record is resolved. */
  holdDays: z.number().nonnegative().default(7),
  state: z.string().default('.problems/state.db'),
  /** Of single remediators, by name: each checks its own. */
  settings: z.record(z.string(), jsonValue).default({}),
});

export type RemediationConfig = z.output<typeof remediationConfig>;

/**
 * @throws ProblemsError `bad-config`: an unknown key, an operation that no configuration can lower, a bad pattern.
 */
export function readRemediationConfig(value: unknown): RemediationConfig {
  const parsed = remediationConfig.safeParse(value);
  if (!parsed.success)
    throw new ProblemsError('bad-config', `remediation: ${z.prettifyError(parsed.error)}`, {
      hint: 'docs/remediation.md lists all keys.',
    });
  const never = parsed.data.allow.find((name) => operations[name].floor === 'never');
  if (never !== undefined)
    throw new ProblemsError(
      'bad-config',
      `remediation.allow: ${never} is never done by a program and cannot be allowed.`,
    );
  return parsed.data;
}

function patternOf({ containers }: RemediationConfig): RegExp | undefined {
  if (containers === undefined) return undefined;
  try {
    return new RegExp(containers);
  } catch (cause) {
    throw new ProblemsError('bad-config', `remediation.containers: ${containers} is no regular expression.`, { cause });
  }
}

/** The switch for everything: of the config, or a file `paused` in the state file's folder. */
function pauseOf(config: RemediationConfig, folder: string): string | undefined {
  if (config.pause !== undefined) return config.pause;
  const file = join(resolve(folder, config.state), '..', 'paused');
  return existsSync(file) ? `the file ${file} stands` : undefined;
}

export interface Plugins {
  readonly remediators: readonly Remediator[];
  readonly actions: readonly Action[];
}

const kebab = z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'must be kebab-case');

const method = z.custom<(...args: never[]) => unknown>((value) => typeof value === 'function', 'must be a function');

const schema = z.custom<z.ZodType>(
  (value) => typeof value === 'object' && value !== null && 'parse' in value && 'safeParse' in value,
  'must be a zod schema',
);

const remediatorShape = z.looseObject({
  name: kebab,
  description: z.string().min(1),
  details: schema,
  expected: schema,
  matches: method,
  detect: method,
  plan: method,
  verify: method,
});

const actionShape = z.looseObject({
  name: z.string().regex(/^[a-z0-9-]+\.[a-z0-9-]+$/, 'must be <object>.<verb>'),
  description: z.string().min(1),
  params: schema,
  undoState: schema,
  operation: z.union([z.string(), z.object({ running: z.string(), stopped: z.string() })]),
  describe: method,
  effect: method,
  prepare: method,
  isDone: method,
  beforeInterrupt: method.optional(),
  apply: method,
  undo: method.optional(),
  isUndone: method.optional(),
});

/**
 * Remediators and actions of others: modules that export lists named `remediators` and `actions`, by package name or by
 * a path within the config's folder. Their shape is checked; what they do is not, so they are trusted as any dependency.
 * @throws ProblemsError `bad-config`: cannot be loaded, has another shape, or takes a name that is taken.
 */
export async function loadPlugins(names: readonly string[], folder: string, builtIn: Plugins): Promise<Plugins> {
  const remediators = [...builtIn.remediators];
  const actions = [...builtIn.actions];
  for (const name of names) {
    const module = await load(name, folder);
    for (const item of listOf(module, 'remediators', name)) add(remediators, item, isRemediator, remediatorShape, name);
    for (const item of listOf(module, 'actions', name)) add(actions, item, isAction, actionShape, name);
  }
  return { remediators, actions };
}

async function load(name: string, folder: string): Promise<object> {
  const path = pathOf(name, folder);
  try {
    const module: unknown = await import(pathToFileURL(path).href);
    if (typeof module === 'object' && module !== null) return module;
  } catch (cause) {
    throw new ProblemsError(
      'bad-config',
      `plugins: ${name} cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
  throw new ProblemsError('bad-config', `plugins: ${name} is no module.`);
}

function pathOf(name: string, folder: string): string {
  if (name.startsWith('.') || isAbsolute(name)) {
    const path = resolve(folder, name);
    if (!isBelow(folder, path)) throw new ProblemsError('outside-root', `plugins: ${name} lies outside ${folder}.`);
    try {
      if (!isBelow(realpathSync(folder), realpathSync(path)))
        throw new ProblemsError('outside-root', `plugins: ${name} leads out of ${folder}.`);
    } catch (error) {
      if (error instanceof ProblemsError) throw error;
      throw new ProblemsError('bad-config', `plugins: there is no ${name}.`, { cause: error });
    }
    return path;
  }
  try {
    return createRequire(resolve(folder, 'problems.config.js')).resolve(name);
  } catch (cause) {
    throw new ProblemsError('bad-config', `plugins: the package ${name} is not installed.`, {
      hint: `npm install ${name}`,
      cause,
    });
  }
}

function isBelow(folder: string, path: string): boolean {
  const below = relative(folder, path);
  return below !== '' && !below.startsWith('..') && !isAbsolute(below);
}

function listOf(module: object, key: string, plugin: string): readonly unknown[] {
  const list: unknown = Reflect.get(module, key);
  if (list === undefined) return [];
  if (Array.isArray(list)) return list;
  throw new ProblemsError('bad-config', `plugins: ${plugin} exports ${key}, but it is no list.`);
}

function add<Item extends { readonly name: string }>(
  list: Item[],
  item: unknown,
  fits: (item: unknown) => item is Item,
  shape: z.ZodType,
  plugin: string,
): void {
  if (!fits(item))
    throw new ProblemsError(
      'bad-config',
      `plugins: ${plugin}: ${z.prettifyError(shape.safeParse(item).error ?? new z.ZodError([]))}`,
    );
  if (list.some(({ name }) => name === item.name))
    throw new ProblemsError('bad-config', `plugins: ${plugin}: ${item.name} is there already.`);
  list.push(item);
}

/** The shape is checked here; what the functions take and return is checked when they are called. */
function isRemediator(item: unknown): item is Remediator {
  return remediatorShape.safeParse(item).success;
}

function isAction(item: unknown): item is Action {
  return actionShape.safeParse(item).success;
}

export interface RemediationOptions {
  /** The project's folder: files are read and edited below it, and the state file stands in it. Absolute. */
  readonly folder: string;
  /** The section `remediation` of the config, as it stands in the file. */
  readonly config?: unknown;
  /** Modules with remediators and actions of others: package names, or paths within the folder. */
  readonly plugins?: readonly string[];
  /** The records that findings are linked to. */
  readonly problems?: readonly KnownProblem[];
  /** Names of instances. Default: all. */
  readonly instances?: readonly string[];
  readonly now?: () => Date;
  readonly onProgress?: (progress: Progress) => void;
  /** Asks for an end at the next safe point: nothing is cut short. */
  readonly stop?: AbortSignal;
  /** For tests: called at every point between two writes of the journal. */
  readonly atPoint?: (name: string) => void | Promise<void>;
  /** How long an engine that does not answer is waited for in the middle of a run. Default 60,000. */
  readonly patienceMs?: number;
  /** Makes no state file where there is none. */
  readonly onlyLooking?: true;
  /** In place of this machine's. */
  readonly host?: OpenHost;
  /** In place of the built-in ones. */
  readonly remediators?: readonly Remediator[];
}

/** One opened state file, engine and configuration, for any number of calls. */
export interface Remediation {
  readonly session: EngineContext;
  readonly config: RemediationConfig;
  readonly problems: readonly KnownProblem[];
  readonly policy: PolicySettings;
  readonly folder: string;
  /** What was asked for by name; undefined: all. */
  readonly instances: readonly string[] | undefined;
  close(): void;
}

/**
 * @throws ProblemsError `bad-config`, `state-damaged`, `state-locked`, `state-unwritable`. The engine is first asked by
 * the first call that needs it.
 */
export async function openRemediation(options: RemediationOptions): Promise<Remediation> {
  const { folder, problems = [] } = options;
  const config = readRemediationConfig(options.config ?? {});
  const pattern = patternOf(config);
  const plugins = await loadPlugins(options.plugins ?? [], folder, {
    remediators: options.remediators ?? builtInRemediators,
    actions: builtInActions,
  });
  const stateFile = resolve(folder, config.state);
  const kept = options.onlyLooking !== true || existsSync(stateFile);
  const store = await openSqliteStore(kept ? stateFile : ':memory:', options.now);
  const host =
    options.host ??
    openHost({
      roots: [folder, ...config.roots.map((root) => resolve(folder, root))],
      instanceFolders: config.instanceFolders.map((parent) => resolve(folder, parent)),
      backupFolders: config.backupFolders.map((parent) => resolve(folder, parent)),
      ...(pattern === undefined ? {} : { pattern }),
      ...(config.passfile === undefined ? {} : { passfile: resolve(folder, config.passfile) }),
      ...(options.instances === undefined ? {} : { only: options.instances }),
    });
  const session = await openEngineContext({
    host,
    store,
    ...plugins,
    settings: config.settings,
    dossiers: resolve(stateFile, '..', 'dossiers'),
    ...definedOf(options),
  });
  return {
    session,
    config,
    problems,
    folder,
    instances: options.instances,
    policy: {
      byRemediator: config.automation,
      byInstance: Object.fromEntries(
        Object.entries(config.instances).flatMap(([name, { automation }]) =>
          automation === undefined ? [] : [[name, automation]],
        ),
      ),
      allow: config.allow,
      windows: config.windows,
      windowsByInstance: Object.fromEntries(
        Object.entries(config.instances).flatMap(([name, { windows }]) =>
          windows === undefined ? [] : [[name, windows]],
        ),
      ),
      limits: { paused: pauseOf(config, folder), attemptsPerDay: config.attemptsPerDay },
    },
    close: () => store.close(),
  };
}

function definedOf({
  now,
  onProgress,
  stop,
  atPoint,
  patienceMs,
}: RemediationOptions): Partial<Parameters<typeof openEngineContext>[0]> {
  return {
    ...(now === undefined ? {} : { now }),
    ...(onProgress === undefined ? {} : { onProgress }),
    ...(stop === undefined ? {} : { stop }),
    ...(atPoint === undefined ? {} : { atPoint }),
    ...(patienceMs === undefined ? {} : { patienceMs }),
  };
}
