import { type Located, statedNames } from './components.ts';
import { foldersFrom, foldersOf, joined, locate, meaningOf, stepsUp } from './locations.ts';
import type { ScanOptions } from './options.ts';
import type { RegistryFile } from './registry-file.ts';
import { fingerprintOf, type Stamp } from './snapshot.ts';
import { createYielder, type Yielder } from './yield.ts';

/** A file that may be a registry. */
export interface Candidate extends Located, RegistryFile {}

export interface Refused {
  readonly path: string;
  readonly message: string;
}

export interface Candidates {
  /** In the order of their paths, each file once. */
  readonly candidates: readonly Candidate[];
  readonly refused: readonly Refused[];
  /** Paths of found files with the name of a registry that are ordinary prose, in order. */
  readonly unmarked: readonly string[];
  /**
   * Two scans of the same paths with the same fingerprint found the same files with the same content. Undefined if that
   * is not certain: without a cache, if the user named files, if a file was refused, and right after a change.
   */
  readonly fingerprint: string | undefined;
  /** Counts the progress of the search; reading continues to count. */
  readonly yielder: Yielder;
}

/** Every given file, and every file below the given folders that may be a registry. */
export async function findCandidates(paths: readonly string[], options: ScanOptions = {}): Promise<Candidates> {
  const yielder = createYielder(options);
  const { cwd = process.cwd(), configFolder = cwd } = options;
  const locations = paths.map((path) => locate(path, cwd));
  const roots = locations
    .filter((location) => location.type === 'folder')
    .toSorted((a, b) => a.file.length - b.file.length);
  // How far above the working folder the topmost path begins. Names above that would differ between machines.
  const top = Math.max(0, ...locations.map(({ path }) => stepsUp(path)));
  const stated = statedNames(options.components ?? {}, configFolder);
  const byFile = new Map<string, Candidate>();
  const stamps = new Map<string, Stamp>();
  let isStamped = roots.length === locations.length;
  const unmarked = new Map<string, string>();
  const refused: Refused[] = locations.filter((location) => location.type === 'missing').map(unreadable);

  for (const root of roots) {
    // A pre-commit hook names only files, and then needs none of it.
    const { discover } = await import('./discovery.ts');
    const found = await discover(root.file, { ...options, cwd }, yielder);
    const outer = locations.length > 1 ? foldersFrom(root.path, cwd, top) : [];
    isStamped &&= found.isStamped;
    for (const { path, file, stamp } of found.files) {
      if (stamp !== undefined) stamps.set(file, stamp);
      const folders = foldersOf(path).slice(0, -1);
      if (!byFile.has(file))
        byFile.set(file, { path: joined(root.path, path), file, folders, outer, stated: stated(file), isNamed: false });
    }
    for (const path of found.unmarked) unmarked.set(joined(root.file, path), joined(root.path, path));
    refused.push(
      ...found.unreadable.map((one) => unreadable({ path: joined(root.path, one.path) || '.', code: one.code })),
    );
    refused.push(
      ...found.refusedLinks.map((path) => ({
        path: joined(root.path, path),
        message: 'The file is not read: it is a symbolic link that leads nowhere, or out of the scanned folder.',
      })),
    );
  }
  for (const { file, path } of locations.filter((location) => location.type === 'file')) {
    const folders = foldersOf(path).slice(0, -1);
    const outer = foldersFrom(path, cwd, top).slice(0, -1 - folders.length);
    if (!byFile.has(file)) byFile.set(file, { path, file, folders, outer, stated: stated(file), isNamed: true });
  }
  const candidates = [...byFile.values()].toSorted(byPath);
  return {
    candidates,
    refused: refused.toSorted(byPath),
    unmarked: [...unmarked].flatMap(([file, path]) => (byFile.has(file) ? [] : [path])).toSorted(),
    fingerprint: isStamped && refused.length === 0 ? fingerprintOf(candidates, unmarked.size, stamps) : undefined,
    yielder,
  };
}

function unreadable({ path, code }: { readonly path: string; readonly code: string }): Refused {
  return { path, message: `It cannot be read: ${meaningOf(code)}.` };
}

function byPath(a: { readonly path: string }, b: { readonly path: string }): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
}
