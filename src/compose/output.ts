import { isDeepStrictEqual } from 'node:util';
import type { Json } from '../util/json.ts';

/** What `docker compose config` prints, and how two answers differ. Pure. */

/** @throws Error: it is not YAML. */
export async function composeOutput(text: string): Promise<Json> {
  const { parse } = await import('yaml');
  const value: unknown = parse(text, { maxAliasCount: 1_000, logLevel: 'silent' });
  return asJson(value);
}

/** What JSON does not know, such as infinity, as text. */
function asJson(value: unknown): Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (Array.isArray(value)) return value.map(asJson);
  if (typeof value !== 'object') return null;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, asJson(inner)]));
}

/**
 * The keys that lead to each difference, down to `depth` keys. Sorted by key.
 *
 * @example
 * differingPaths({ services: { db: { ports: [1] } } }, { services: { db: { ports: [2] } } }); // [['services', 'db', 'ports']]
 */
export function differingPaths(
  before: Json | undefined,
  after: Json | undefined,
  depth = 3,
): readonly (readonly string[])[] {
  if (before !== undefined && after !== undefined && isDeepStrictEqual(withoutEmpty(before), withoutEmpty(after)))
    return [];
  if (depth === 0 || !isObject(before) || !isObject(after)) return [[]];
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return keys.flatMap((key) =>
    differingPaths(own(before, key), own(after, key), depth - 1).map((path) => [key, ...path]),
  );
}

/** Compose 1 prints a mapping without entries as `{}` where it has joined files, and as nothing elsewhere. */
function withoutEmpty(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (!isObject(value)) return value;
  const entries = Object.entries(value);
  return entries.length === 0 ? null : Object.fromEntries(entries.map(([key, inner]) => [key, withoutEmpty(inner)]));
}

function own(value: { readonly [key: string]: Json }, key: string): Json | undefined {
  return Object.hasOwn(value, key) ? value[key] : undefined;
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
