import { compareBy } from './compare.ts';

/** Reads answers whose shape another program decides. A value that is absent or of another type is read as empty. */

export type JsonObject = { readonly [key: string]: Json };
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

export function get(value: Json | undefined, ...path: readonly string[]): Json | undefined {
  let here = value;
  for (const key of path) {
    if (!isObject(here) || !Object.hasOwn(here, key)) return undefined;
    here = here[key];
  }
  return here;
}

export function getString(value: Json | undefined, ...path: readonly string[]): string {
  const found = get(value, ...path);
  return typeof found === 'string' ? found : '';
}

export function getNumber(value: Json | undefined, ...path: readonly string[]): number {
  const found = get(value, ...path);
  return typeof found === 'number' ? found : 0;
}

export function getBoolean(value: Json | undefined, ...path: readonly string[]): boolean {
  return get(value, ...path) === true;
}

export function getArray(value: Json | undefined, ...path: readonly string[]): readonly Json[] {
  const found = get(value, ...path);
  return isList(found) ? found : [];
}

export function getStrings(value: Json | undefined, ...path: readonly string[]): readonly string[] {
  return getArray(value, ...path).filter((item) => typeof item === 'string');
}

/** An object's entries, sorted by key. */
export function getEntries(value: Json | undefined, ...path: readonly string[]): readonly (readonly [string, Json])[] {
  const found = get(value, ...path);
  return isObject(found) ? Object.entries(found).sort(compareBy(([key]) => key)) : [];
}

export function getStringMap(value: Json | undefined, ...path: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    getEntries(value, ...path).filter((entry): entry is readonly [string, string] => typeof entry[1] === 'string'),
  );
}

function isJson(value: unknown): value is Json {
  return value === null || ['object', 'string', 'number', 'boolean'].includes(typeof value);
}

/** `undefined` if the text is not JSON. */
export function parseJson(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJson(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
