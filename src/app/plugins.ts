import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isAbsolute, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import type { Config } from '../config/config.ts';
import { requireOwner } from '../config/trust.ts';
import { ProblemsError } from '../errors.ts';
import type { Action, Remediator } from '../remediation/contract.ts';
import { type Operation, operations } from '../remediation/operations.ts';
import { isSchema, type Schema } from '../remediation/standard-schema.ts';
import { claimsOf } from '../tasks/classify.ts';
import { type Claims, problemClasses } from '../tasks/types.ts';
import { errorText } from '../util/text.ts';

/** What a plugin module exports as its default, made by `definePlugin`. */
export interface Plugin {
  /** Version of the contract that the plugin was written for. */
  readonly apiVersion: 1;
  readonly remediators?: readonly Remediator[];
  readonly actions?: readonly Action[];
}

/**
 * Gives a plugin its types: `export default definePlugin({ apiVersion: 1, remediators: [mine], actions: [] })`. The
 * module is named under `plugins` in problems.config.*.
 */
export function definePlugin(plugin: Plugin): Plugin {
  return plugin;
}

/** The built-in parts and those of all plugins. */
export interface Parts {
  readonly remediators: readonly Remediator[];
  readonly actions: readonly Action[];
  /** The standard operations and those that actions of plugins declare, by name. */
  readonly operations: ReadonlyMap<string, Operation>;
}

const kebab = z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'must be kebab-case');

const method = z.custom<(...args: never[]) => unknown>((value) => typeof value === 'function', 'must be a function');

const schema = z.custom<Schema>(isSchema, 'must be a Standard Schema, version 1, such as a schema of zod');

const pluginShape = z.looseObject({
  apiVersion: z.literal(1, { error: 'must be 1, the only contract that this version of problem-registry supports' }),
  remediators: z.array(z.unknown(), { error: 'must be an array' }).exactOptional(),
  actions: z.array(z.unknown(), { error: 'must be an array' }).exactOptional(),
});

const claimsShape = z.strictObject({
  topic: z.string().min(1).max(100),
  class: z.enum(problemClasses),
  phrases: z.array(z.string().min(1).max(100)).min(1).max(100),
}) satisfies z.ZodType<Claims>;

const remediatorShape = z.looseObject({
  name: kebab,
  description: z.string().min(1),
  details: schema,
  expected: schema,
  settings: schema.optional(),
  claims: claimsShape.optional(),
  detect: method,
  plan: method,
  verify: method,
});

const operationShape = z.strictObject({
  name: kebab,
  floor: z.enum(['auto', 'approve', 'never']),
  description: z.string().min(1),
});

const actionShape = z.looseObject({
  name: z.string().regex(/^[a-z0-9-]+\.[a-z0-9-]+$/, 'must be <object>.<verb>'),
  description: z.string().min(1),
  params: schema,
  undoState: schema,
  operation: z.union([operationShape, z.strictObject({ running: operationShape, stopped: operationShape })], {
    error: 'must be an operation { name, floor, description }, or { running, stopped } with one each',
  }),
  deadlineMs: z.int().positive().exactOptional(),
  interrupts: z.literal(true).exactOptional(),
  endedBy: z.string().exactOptional(),
  leaves: method.optional(),
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
 * Remediators and actions of plugins: modules whose default export is `definePlugin({…})`, by package name or by a path
 * within the config's folder. Their shape is checked here; a plugin runs with all rights of this process, so trust it as
 * you trust a dependency.
 * @throws ProblemsError `bad-config`: it cannot be loaded, its shape is wrong, or a name is taken. `outside-root`.
 */
export async function loadPlugins(
  names: readonly string[],
  folder: string,
  builtIn: Pick<Parts, 'remediators' | 'actions'>,
): Promise<Parts> {
  const remediators = [...builtIn.remediators];
  const actions = [...builtIn.actions];
  const known = new Map<string, Operation>(Object.entries(operations));
  for (const name of names) {
    const plugin = await load(name, folder);
    for (const [index, item] of (plugin.remediators ?? []).entries())
      add(remediators, item, isRemediator, remediatorShape, `${name}: remediators[${index}]`);
    for (const [index, item] of (plugin.actions ?? []).entries()) {
      const where = `${name}: actions[${index}]`;
      const action = add(actions, item, isAction, actionShape, where);
      for (const operation of operationsOf(action)) addOperation(known, operation, where);
    }
  }
  requireEndings(actions);
  return { remediators, actions, operations: known };
}

/**
 * What the remediators of plugins claim, by name: for triage, which knows the built-in ones itself. Loads the plugins.
 * @throws ProblemsError as `loadPlugins`.
 */
export async function pluginClaims({
  plugins,
  folder,
}: Pick<Config, 'plugins' | 'folder'>): Promise<Readonly<Record<string, Claims>>> {
  const remediators: Remediator[] = [];
  for (const name of plugins) {
    const plugin = await load(name, folder);
    for (const [index, item] of (plugin.remediators ?? []).entries())
      add(remediators, item, isRemediator, remediatorShape, `${name}: remediators[${index}]`);
  }
  return claimsOf(remediators);
}

async function load(name: string, folder: string): Promise<z.output<typeof pluginShape>> {
  const path = pathOf(name, folder);
  requireOwner(path, `plugins: ${name} is not loaded`);
  let exported: unknown;
  try {
    const module: unknown = await import(pathToFileURL(path).href);
    exported = typeof module === 'object' && module !== null ? Reflect.get(module, 'default') : undefined;
  } catch (cause) {
    const reason = errorText(cause);
    throw new ProblemsError('bad-config', `plugins: cannot load ${name}: ${reason}`, { cause });
  }
  if (exported === undefined)
    throw new ProblemsError('bad-config', `plugins: ${name} has no default export.`, {
      hint: 'export default definePlugin({ apiVersion: 1, remediators: [], actions: [] })',
    });
  const parsed = pluginShape.safeParse(exported);
  if (!parsed.success) throw new ProblemsError('bad-config', `plugins: ${name}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

function pathOf(name: string, folder: string): string {
  if (name.startsWith('.') || isAbsolute(name)) {
    const path = resolve(folder, name);
    if (!isBelow(folder, path)) throw new ProblemsError('outside-root', `plugins: ${name} is outside ${folder}`);
    try {
      if (!isBelow(realpathSync(folder), realpathSync(path)))
        throw new ProblemsError('outside-root', `plugins: ${name} is outside ${folder} (via a symbolic link).`);
    } catch (error) {
      if (error instanceof ProblemsError) throw error;
      throw new ProblemsError('bad-config', `plugins: ${name} does not exist.`, { cause: error });
    }
    return path;
  }
  try {
    return createRequire(resolve(folder, 'problems.config.js')).resolve(name);
  } catch (cause) {
    throw new ProblemsError('bad-config', `plugins: package ${name} is not installed.`, {
      hint: `npm install ${name}`,
      cause,
    });
  }
}

function isBelow(folder: string, path: string): boolean {
  const below = relative(folder, path);
  return below !== '' && !below.startsWith('..') && !isAbsolute(below);
}

function add<Item extends { readonly name: string }>(
  list: Item[],
  item: unknown,
  fits: (item: unknown) => item is Item,
  shape: z.ZodType,
  where: string,
): Item {
  if (!fits(item)) {
    const fault = z.prettifyError(shape.safeParse(item).error ?? new z.ZodError([]));
    throw new ProblemsError('bad-config', `plugins: ${where}: ${fault}`);
  }
  if (list.some(({ name }) => name === item.name))
    throw new ProblemsError('bad-config', `plugins: ${where}: the name ${item.name} is already taken.`);
  list.push(item);
  return item;
}

function operationsOf({ operation }: Action): readonly Operation[] {
  return 'running' in operation ? [operation.running, operation.stopped] : [operation];
}

/** A plugin may use a standard operation or declare a new one, but not redefine one: that could lower its floor. */
function addOperation(known: Map<string, Operation>, operation: Operation, where: string): void {
  const before = known.get(operation.name);
  if (before !== undefined && before.floor !== operation.floor) {
    throw new ProblemsError(
      'bad-config',
      `plugins: ${where}: operation ${operation.name} has the floor ${operation.floor}, but it is already declared with ${before.floor}`,
      { hint: 'Import `operations` from problem-registry/remediation, or choose another name.' },
    );
  }
  if (before === undefined) known.set(operation.name, operation);
}

function requireEndings(actions: readonly Action[]): void {
  for (const { name, endedBy } of actions) {
    if (endedBy === undefined || actions.some((other) => other.name === endedBy)) continue;
    throw new ProblemsError('bad-config', `plugins: ${name}: endedBy names ${endedBy}, which is not an action.`);
  }
}

/** The shape is checked here; what the functions take and return is checked when they are called. */
function isRemediator(item: unknown): item is Remediator {
  return remediatorShape.safeParse(item).success;
}

function isAction(item: unknown): item is Action {
  return actionShape.safeParse(item).success;
}
