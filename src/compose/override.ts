import { basename, dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { get, isObject, type Json } from '../util/json.ts';
import { child, type ComposeFile, type Edit, find } from './document.ts';
import { entryEdit, plainWord, sectionEdit } from './entries.ts';
import { type ComposeProject, type ComposeSources, environmentOf } from './project.ts';

/** The file that Compose reads after those of a project, and what is stated in it. Pure. */

/** Names that Compose finds by itself, if it is called without `-f`. */
const found = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml'];
const foundAfter = found.map((name) => overrideName(name));

export type OverridePlace =
  | { readonly type: 'file'; readonly path: string; readonly isNew: boolean }
  | {
      readonly type: 'refused';
      /** One sentence. */
      readonly reason: string;
      /** The file to make by hand, and the options that name all files. */
      readonly path: string;
      readonly options: string;
    };

/**
 * The override file of a project: the last of several files by its name, else a new one beside the only file. A container that was
 * created with `-f` and without an override would be created without it again.
 * @param names What lies in the folder of the project.
 */
export function overridePlace(
  project: ComposeProject,
  sources: ComposeSources,
  names: readonly string[],
): OverridePlace {
  const { folder, files } = project;
  const [first = '', ...others] = files;
  const last = others.at(-1);
  if (last !== undefined && /\.override\.ya?ml$/.test(last)) return { type: 'file', path: last, isNew: false };
  const path = join(folder, overrideName(basename(first)));
  const stray = foundAfter.find((name) => names.includes(name));
  const options = [...files, stray === undefined ? path : join(folder, stray)].map((file) => `-f ${file}`).join(' ');
  if (stray !== undefined)
    return {
      type: 'refused',
      reason: `It was created without ${join(folder, stray)}.`,
      path: join(folder, stray),
      options,
    };
  const isFound = others.length === 0 && dirname(first) === folder && found.includes(basename(first));
  return isFound && !environmentOf(sources).has('COMPOSE_FILE')
    ? { type: 'file', path, isNew: true }
    : { type: 'refused', reason: 'It was created with -f, so Compose would not read an override file.', path, options };
}

/** `compose.yaml` has `compose.override.yaml`. */
function overrideName(name: string): string {
  return name.replace(/(\.[^.]*)?$/, (ending) => `.override${ending === '' ? '.yaml' : ending}`);
}

/** What a change makes different in a service, as the Compose client sees it. */
export interface Stated {
  readonly service: string;
  readonly key: string;
  readonly value: Json;
  /** A section of the project, and its new entries. */
  readonly section?: string;
  readonly entries?: { readonly [name: string]: Json };
}

/** What the configuration `after` a change has, and the one `before` it has not. Of a mapping only the entries that differ. */
export function statedBy(
  { before, after }: { readonly before: Json; readonly after: Json },
  { service, key, section }: Pick<Stated, 'service' | 'key' | 'section'>,
): Stated {
  const [old, value = null] = [before, after].map((config) => get(config, 'services', service, key));
  const stated = { service, key, value: isObject(old) && isObject(value) ? newIn(old, value) : value };
  if (section === undefined) return stated;
  const [sectionBefore = null, sectionAfter = null] = [before, after].map((config) => get(config, section));
  return { ...stated, section, entries: newIn(sectionBefore, sectionAfter) };
}

function newIn(before: Json, after: Json): { readonly [name: string]: Json } {
  if (!isObject(after)) return {};
  return Object.fromEntries(
    Object.entries(after).filter(([name, value]) => !isDeepStrictEqual(get(before, name), value)),
  );
}

/** The text of a new override file of this one. */
export function newOverride({ service, key, value, section, entries = {} }: Stated, of: string): string {
  const lines = [
    `# Made by problems. Compose reads it after ${of}.`,
    'services:',
    `  ${plainWord(service)}:`,
    `    ${key}: ${flow(value)}`,
    ...(Object.keys(entries).length === 0 ? [] : [`${section}:`]),
    ...Object.entries(entries).map(([name, entry]) => `  ${plainWord(name)}: ${flow(entry)}`),
  ];
  return `${lines.join('\n')}\n`;
}

/** As one line: `{services: {db: {mem_limit: 768m}}}`. */
export function inOneLine({ service, key, value, section = '', entries = {} }: Stated): string {
  const sections = Object.keys(entries).length === 0 ? {} : { [section]: entries };
  return flow({ services: { [service]: { [key]: value } }, ...sections });
}

/** Adds to an override file; undefined: it states the key already, or has a form to which nothing can be added. */
export function overrideEdits(compose: ComposeFile, stated: Stated): readonly Edit[] | undefined {
  const { service, key, value, section = '', entries = {} } = stated;
  const services = find(compose, ['services']);
  const own = services === undefined ? undefined : child(compose, services, service);
  const line = `${key}: ${flow(value)}`;
  if (own !== undefined && child(compose, own, key) !== undefined) return undefined;
  const edits = [
    own !== undefined
      ? entryEdit(compose, own, line)
      : services !== undefined
        ? entryEdit(compose, services, `${plainWord(service)}: {${line}}`)
        : sectionEdit(compose, 'services', `${plainWord(service)}: {${line}}`),
    ...Object.entries(entries).map(([name, entry]) =>
      sectionEdit(compose, section, `${plainWord(name)}: ${flow(entry)}`),
    ),
  ];
  if (edits.length > 2) return undefined;
  return edits.every((edit) => edit !== undefined) ? edits.toSorted((a, b) => a.at - b.at) : undefined;
}

/** YAML on one line. The client has escaped what it would take for a variable. */
function flow(value: Json): string {
  if (typeof value === 'string') return /^\d+[bkmg]$/.test(value) ? value : plainWord(value);
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`;
  if (!isObject(value)) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([name, inner]) => `${plainWord(name)}: ${flow(inner)}`)
    .join(', ')}}`;
}
