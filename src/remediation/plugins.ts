import { isAbsolute, relative, resolve } from 'node:path';
import { createRequire } from 'node:module';
import { realpathSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { ProblemsError } from '../errors.ts';
import type { Action, Remediator } from './contract.ts';

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
  about: z.string().min(1),
  params: schema,
  before: schema,
  operation: z.union([z.string(), z.object({ running: z.string(), stopped: z.string() })]),
  describe: method,
  effect: method,
  prepare: method,
  isDone: method,
  ahead: method.optional(),
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
