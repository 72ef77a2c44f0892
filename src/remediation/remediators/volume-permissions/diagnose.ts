import type { SurveyEntry } from '../../../host/probes/types.ts';
import { obstacleTo, type Owner } from './files.ts';
import type { Sign } from './log-patterns.ts';

/** The data for a diagnosis of one instance. */
export interface Observation {
  /** A server is running; false in a restart loop. */
  readonly running: boolean;
  readonly owner: Owner;
  /** The container starts as root, and its entrypoint changes the owner of the files to the server's user. */
  readonly heals: boolean;
  /** Capabilities that the entrypoint needs for that and the container does not have. */
  readonly missingCapabilities: readonly string[];
  readonly mountWritable: boolean;
  /** Entries of the data directory, with relative paths. Empty if the folder does not exist. */
  readonly entries: readonly SurveyEntry[];
  /** Signs in the log since the last start. */
  readonly signs: readonly Sign[];
  /** It had a cluster before. */
  readonly history: boolean;
  /** The engine labels files for SELinux. */
  readonly labelled: boolean;
}

export type Condition =
  | { readonly kind: 'wrong-owner' | 'wrong-mode'; readonly wrong: readonly SurveyEntry[] }
  | { readonly kind: 'data-missing' | 'read-only' | 'lost-and-found' | 'ownership-refused' | 'label-refused' };

export type ConditionKind = Condition['kind'];

/** Checks the data before the log: an empty folder and unreadable data give the same messages. */
export function diagnose(seen: Observation): Condition | undefined {
  const { running } = seen;
  // Without root the entrypoint tries too, and ignores failures.
  const asRoot = seen.heals || seen.missingCapabilities.length > 0;
  const signs = asRoot ? seen.signs : seen.signs.filter((sign) => sign !== 'chown-refused');
  if (!seen.mountWritable || signs.includes('read-only')) return { kind: 'read-only' };
  const hasCluster = seen.entries.some(({ path, type }) => path === 'PG_VERSION' && type === 'f');
  if (!hasCluster) return running ? undefined : withoutCluster(seen);
  const wrong = inTheWay(seen);
  if (running) return wrong;
  if (seen.missingCapabilities.length > 0 && (wrong !== undefined || isRefused(signs)))
    return { kind: 'ownership-refused' };
  if (wrong !== undefined) {
    if (signs.includes('chown-refused')) return { kind: 'ownership-refused' };
    // The next start fixes owners and the mode of the data directory by itself.
    return seen.heals && isHealed(wrong, seen) ? undefined : wrong;
  }
  if (seen.labelled && isRefused(signs)) return { kind: 'label-refused' };
  return undefined;
}

/** A cluster must never be initialized over a missing one: the mount is wrong, or the data was deleted. */
function withoutCluster({ entries, signs, history }: Observation): Condition | undefined {
  const isNew = entries.length <= 1;
  if (signs.includes('lost-and-found')) return { kind: 'lost-and-found' };
  if (history) return { kind: 'data-missing' };
  if (signs.length === 0) return undefined;
  return { kind: isNew ? 'ownership-refused' : 'data-missing' };
}

function inTheWay({
  entries,
  owner,
}: Observation): (Condition & { readonly wrong: readonly SurveyEntry[] }) | undefined {
  const byOwner: SurveyEntry[] = [];
  const byMode: SurveyEntry[] = [];
  for (const entry of entries) {
    const obstacle = obstacleTo(entry, owner);
    if (obstacle === 'owner') byOwner.push(entry);
    if (obstacle === 'mode') byMode.push(entry);
  }
  if (byOwner.length > 0) return { kind: 'wrong-owner', wrong: byOwner };
  return byMode.length > 0 ? { kind: 'wrong-mode', wrong: byMode } : undefined;
}

function isHealed(
  { kind, wrong }: Condition & { readonly wrong: readonly SurveyEntry[] },
  { entries, owner }: Observation,
): boolean {
  if (kind === 'wrong-mode') return wrong.every(({ path }) => path === '.');
  // Entries that already belong to the server keep their modes.
  return entries.every((entry) => entry.path === '.' || obstacleTo({ ...entry, uid: owner.uid }, owner) === undefined);
}

function isRefused(signs: readonly Sign[]): boolean {
  return signs.some((sign) => sign === 'permission-denied' || sign === 'chown-refused' || sign === 'initdb-refused');
}
