/** Variables of Compose files, and the `.env` that sets them, as Compose reads both. Pure. */

/** `$NAME`, `${NAME}`, `${NAME-fallback}` or `${NAME:-fallback}` in a text. */
export interface Reference {
  readonly name: string;
  /** Offsets in the text, from the `$` to the end. */
  readonly start: number;
  readonly end: number;
  /** What applies if the variable is not set. Absent: an empty text. */
  readonly fallback?: { readonly text: string; readonly start: number; readonly alsoForEmpty: boolean };
}

/** One variable of a `.env` file; of several lines with one name the last applies. */
export interface EnvironmentEntry {
  readonly name: string;
  /** Undefined if the value has escapes or variables, which Compose versions read differently. */
  readonly value: string | undefined;
  /** Offset of the value in the file, inside its quotes. */
  readonly start: number;
}

const forms = /\$(?:(\$)|([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?:(:?-)([^{}$]*))?\}|)/g;

/** The variables of a text in order; undefined if one has a form that is not read here, such as `${NAME:?error}`. */
export function referencesIn(text: string): readonly Reference[] | undefined {
  const references: Reference[] = [];
  for (const match of text.matchAll(forms)) {
    const [whole, dollar, plain, braced, operator, fallback = ''] = match;
    if (dollar !== undefined) continue;
    const name = plain ?? braced;
    if (name === undefined) return undefined;
    const { index: start } = match;
    const end = start + whole.length;
    references.push({
      name,
      start,
      end,
      ...(operator === undefined
        ? {}
        : { fallback: { text: fallback, start: end - 1 - fallback.length, alsoForEmpty: operator === ':-' } }),
    });
  }
  return references;
}

/** The text with its variables replaced; undefined if one of them cannot be read. */
export function interpolated(text: string, environment: ReadonlyMap<string, EnvironmentEntry>): string | undefined {
  const references = referencesIn(text);
  if (references === undefined) return undefined;
  let result = '';
  let position = 0;
  for (const reference of references) {
    const value = valueOf(reference, environment);
    if (value === undefined) return undefined;
    result += text.slice(position, reference.start).replaceAll('$$', '$') + value;
    position = reference.end;
  }
  return result + text.slice(position).replaceAll('$$', '$');
}

function valueOf(
  { name, fallback }: Reference,
  environment: ReadonlyMap<string, EnvironmentEntry>,
): string | undefined {
  const entry = environment.get(name);
  if (entry === undefined) return fallback?.text ?? '';
  return entry.value === '' && fallback?.alsoForEmpty === true ? fallback.text : entry.value;
}

/** The variables of a `.env` file by name. */
export function readEnvironment(text: string): ReadonlyMap<string, EnvironmentEntry> {
  const entries = new Map<string, EnvironmentEntry>();
  for (const line of text.matchAll(/^[^\r\n]*/gm)) {
    const match = /^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*=[ \t]*/.exec(line[0]);
    const name = match?.[1];
    if (match === null || name === undefined) continue;
    const rest = line[0].slice(match[0].length);
    const quoted = /^(["'])(.*?)\1[ \t]*(?:#.*)?$/.exec(rest);
    const value = quoted?.[2] ?? rest.replace(/(?:^|[ \t]+)#.*$/, '').trimEnd();
    entries.set(name, {
      name,
      value: /[\\$"']/.test(value) ? undefined : value,
      start: line.index + match[0].length + (quoted === null ? 0 : 1),
    });
  }
  return entries;
}
