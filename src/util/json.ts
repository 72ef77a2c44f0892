/** Reads answers whose shape another program decides: what is absent or of another type is the empty value. */

export type JsonObject = { readonly [key: string]: Json };

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
  return isObject(found) ? Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)) : [];
}

export function getStringMap(value: Json | undefined, ...path: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    getEntries(value, ...path).filter((entry): entry is readonly [string, string] => typeof entry[1] === 'string'),
  );
}

/** True of whatever JSON.parse returns: functions, symbols and the like are not among it. */
function isJson(value: unknown): value is Json {
  return value === null || ['object', 'string', 'number', 'boolean'].includes(typeof value);
}

/** JSON from text, without its type being trusted. `undefined` where the text is none. */
export function parseJson(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJson(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
