import { statSync } from 'node:fs';
import { extname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { z } from 'zod';
import { ProblemsError } from '../errors.ts';
import { fileErrorText, readRegularFile } from '../read-file.ts';
import { suggest } from '../util/suggest.ts';

/** Where a checked value comes from: the file as users call it, if there is one, and the keys that lead to the value. */
export interface Origin {
  readonly file?: string | undefined;
  readonly keys: readonly string[];
}

/**
 * A value of a config in the type of its schema. Rooms with settings of their own check their section with it.
 * @throws ProblemsError `bad-config`: names the key, what was found there, and the nearest known key.
 */
export function checkConfig<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  origin: Origin,
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [first, ...others] = result.error.issues.map((issue) => described(issue, schema, value));
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
  throw new ProblemsError(
    'bad-config',
    `${origin.file === undefined ? '' : `${origin.file}: `}${locate([...origin.keys, ...(first?.path ?? [])])}${first?.fault ?? ''}${more}`,
    {
      hint: first?.hint ?? 'docs/configuration.md lists all keys.',
    },
  );
}

interface Fault {
  readonly path: readonly PropertyKey[];
  readonly fault: string;
  readonly hint?: string;
}

function described(issue: z.core.$ZodIssue, schema: z.ZodType, value: unknown): Fault {
  if (issue.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    const known = knownKeys(schema, issue.path);
    const meant = suggest(key, known);
    return {
      path: [...issue.path, key],
      fault: ' is not a known key',
      ...(meant === undefined ? listed(known) : { hint: `Did you mean ${meant}?` }),
    };
  }
  if (issue.code === 'invalid_key') {
    return { path: issue.path, fault: ` is not a known key: ${issue.issues[0]?.message ?? issue.message}` };
  }
  return { path: issue.path, fault: `: ${issue.message}, found ${found(valueAt(value, issue.path))}` };
}

function listed(known: readonly string[]): Pick<Fault, 'hint'> {
  return known.length === 0 ? {} : { hint: `Known here: ${known.join(', ')}.` };
}

function locate(path: readonly PropertyKey[]): string {
  return path.length === 0 ? 'the whole file' : path.map(String).join('.');
}

function found(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a mapping';
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 60)) : inspect(value);
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at = value;
  for (const key of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = Reflect.get(at, key);
  }
  return at;
}

/** The keys that the schema has at a path; none if the schema is of another kind, or of another copy of zod. */
function knownKeys(schema: unknown, path: readonly PropertyKey[]): readonly string[] {
  if (schema instanceof z.ZodExactOptional || schema instanceof z.ZodOptional || schema instanceof z.ZodDefault)
    return knownKeys(schema.unwrap(), path);
  const [key, ...rest] = path;
  if (schema instanceof z.ZodArray) return knownKeys(schema.element, rest);
  if (schema instanceof z.ZodRecord) {
    if (key !== undefined) return knownKeys(schema.valueType, rest);
    return schema.keyType instanceof z.ZodEnum ? schema.keyType.options.map(String) : [];
  }
  if (!(schema instanceof z.ZodObject)) return [];
  return key === undefined ? Object.keys(schema.shape) : knownKeys(schema.shape[String(key)], rest);
}

/** No one writes a config by hand that is larger. In bytes. */
export const largestConfig = 256 * 1024;

/** Whether a config file is a program, by its name: anything but JSON and YAML. */
export function isCode(file: string): boolean {
  return !['.json', '.yaml', '.yml'].includes(extname(file));
}

/**
 * The value that a config file holds, unchecked. One that is code runs: `requireTrust` decides before. `name` is the
 * file's name in messages.
 */
export async function readConfigFile(file: string, name: string): Promise<unknown> {
  try {
    if (isCode(file)) return await defaultExportOf(file, name);
    if (extname(file) === '.json') return JSON.parse(textOf(file, name));
    const { loadAll } = await import('js-yaml');
    // With aliases a small file could expand to a huge value.
    const [settings, second] = loadAll(textOf(file, name), { maxAliases: 0, maxDepth: 20 });
    if (second !== undefined) throw new ProblemsError('bad-config', `${name} contains more than one document.`);
    return settings ?? {};
  } catch (error) {
    if (error instanceof ProblemsError) throw error;
    const [reason = ''] = fileErrorText(error).split('\n');
    throw new ProblemsError('bad-config', `${name} cannot be read: ${reason}`, { cause: error });
  }
}

function textOf(file: string, name: string): string {
  const read = readRegularFile(file, { most: largestConfig });
  if (read.type === 'refused') throw new ProblemsError('bad-config', `${name} is ${read.is}, not a file.`);
  if (!read.isWhole) throw new ProblemsError('bad-config', `${name} is larger than ${largestConfig} bytes.`);
  return read.bytes.toString('utf8').replace(/^\uFEFF/, '');
}

async function defaultExportOf(file: string, name: string): Promise<unknown> {
  const loaded: unknown = await import(addressOf(file));
  if (typeof loaded === 'object' && loaded !== null && 'default' in loaded) return loaded.default;
  throw new ProblemsError('bad-config', `${name} has no default export.`, { hint: 'Write: export default { … };' });
}

/** When a module was changed that was loaded under its plain address. */
const loadedAt = new Map<string, number>();

/** Node caches a module by its URL, and `--watch` must reload a changed config. */
function addressOf(file: string): string {
  const { href } = pathToFileURL(file);
  const { mtimeMs } = statSync(file);
  const before = loadedAt.get(file) ?? mtimeMs;
  loadedAt.set(file, before);
  return mtimeMs === before ? href : `${href}?changed=${mtimeMs}`;
}
