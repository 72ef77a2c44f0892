import { type Edit, find, withEdits } from '../../compose/document.ts';
import { inOneLine, newOverride, overrideEdits, overridePlace, type Stated, statedBy } from '../../compose/override.ts';
import { differingPaths } from '../../compose/output.ts';
import type { ComposeService, ComposeSources } from '../../compose/project.ts';
import { get, type Json } from '../../util/json.ts';
import type { ReadonlyHost } from '../contract.ts';

/** The file that a step changes, and its text now. */
export interface Target {
  readonly type: 'target';
  readonly path: string;
  readonly text: string;
  readonly edits: readonly Edit[];
  /** The step makes the file, with the owner and mode of this one. */
  readonly like?: string;
}

export interface NoTarget {
  readonly type: 'none';
  readonly reason: string;
  /** What to state by hand, as a clause, and the options that make Compose read it. */
  readonly byHand: string;
  readonly options?: string;
}

export interface Wanted extends Pick<Stated, 'service' | 'key' | 'section'> {
  /** What the client says of the project as it is, and as it would be with the edit of its own files. */
  readonly before: Json;
  readonly after: Json;
}

/**
 * States a change in the override file of a project, so that its own files stay as they are. What is stated is what the client itself
 * makes of the edit.
 */
export async function inOverride(
  wanted: Wanted & { readonly inPlace: Target },
  project: ComposeService,
  sources: ComposeSources,
  host: ReadonlyHost,
): Promise<Target | NoTarget> {
  const stated = statedBy(wanted, wanted);
  const place = overridePlace(project, sources, await host.files.list(project.folder));
  const byHand = `state \`${inOneLine(stated)}\` in ${place.path}`;
  if (place.type === 'refused') return { type: 'none', reason: place.reason, byHand, options: place.options };
  // The edit is in the override already.
  if (wanted.inPlace.path === place.path) return wanted.inPlace;
  if (hasVariables(sources, wanted))
    return {
      type: 'none',
      reason: `The ${wanted.key} of ${wanted.service} has variables, whose values would stay in ${place.path}.`,
      byHand: `state the ${wanted.key} of ${wanted.service} in ${place.path}, with its variables`,
    };
  const [first = ''] = project.files;
  if (place.isNew) {
    const text = newOverride(stated, first.slice(project.folder.length + 1));
    return { type: 'target', path: place.path, text: '', edits: [{ at: 0, before: '', after: text }], like: first };
  }
  const compose = sources.files.find(({ file }) => file.path === place.path);
  const edits = compose === undefined ? undefined : overrideEdits(compose, stated);
  return compose === undefined || edits === undefined
    ? { type: 'none', reason: `${place.path} states its ${wanted.key} already, or in another form.`, byHand }
    : { type: 'target', path: place.path, text: compose.file.text, edits };
}

/** A command is stated as a whole. Its variables may be secrets, and would no longer follow `.env`. */
function hasVariables({ files }: ComposeSources, { service, key }: Wanted): boolean {
  if (key !== 'command') return false;
  return files.some((compose) => {
    const range = find(compose, ['services', service, key])?.node.range;
    return range !== undefined && range !== null && compose.file.text.slice(range[0], range[1]).includes('$');
  });
}

/** Whether the override makes of the service what the edit would, by the client's own words. */
export function isSame({ after, service }: Wanted, withOverride: Json): boolean {
  const [one = null, other = null] = [after, withOverride].map((config) => get(config, 'services', service));
  return differingPaths(one, other).length === 0;
}

/** The text that a target gets. */
export function textOf({ text, edits }: Target): string {
  return withEdits(text, edits);
}
