import { dirname } from 'node:path';
import { meaningOf } from '../read-file.ts';
import { type Located, statedNames } from './components.ts';
import { foldersFrom, foldersOf, joined, locate, type Location, stepsUp } from './locations.ts';
import type { ScanOptions } from './options.ts';
import { namingFolders, projectOf } from './projects.ts';
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
  /** Other files of the same projects that may be registries. They are not scanned and take part only in naming components. */
  readonly others: readonly Candidate[];
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
  const projects = projectsOf(locations, options);
  const named = namingFolders(new Set(projects.values()), cwd);
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
    const project = projects.get(root);
    isStamped &&= found.isStamped;
    for (const { path, file, stamp } of found.files) {
      if (stamp !== undefined) stamps.set(file, stamp);
      if (byFile.has(file)) continue;
      const way =
        project === undefined
          ? { folders: foldersOf(path).slice(0, -1), outer }
          : named(project, joined(root.file, path));
      byFile.set(file, { path: joined(root.path, path), file, ...way, stated: stated(file), isNamed: false });
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
  for (const location of locations.filter((one) => one.type === 'file')) {
    const { file, path } = location;
    if (byFile.has(file)) continue;
    const project = projects.get(location);
    const folders = foldersOf(path).slice(0, -1);
    const outer = foldersFrom(path, cwd, top).slice(0, -1 - folders.length);
    const way = project === undefined ? { folders, outer } : named(project, file);
    byFile.set(file, { path, file, ...way, stated: stated(file), isNamed: true });
  }
  const candidates = [...byFile.values()].toSorted(byPath);
  const others: Candidate[] = [];
  const scanned = new Set(roots.map(({ file }) => file));
  for (const project of options.nameByProject === false ? [] : new Set(projects.values())) {
    if (project === undefined || scanned.has(project)) continue;
    const { discover } = await import('./discovery.ts');
    const found = await discover(project, { ...options, cwd }, yielder);
    isStamped &&= found.isStamped;
    for (const { path, file, stamp } of found.files) {
      if (byFile.has(file)) continue;
      if (stamp !== undefined) stamps.set(file, stamp);
      const absolute = joined(project, path);
      others.push({ path: absolute, file, ...named(project, absolute), stated: stated(file), isNamed: false });
    }
  }
  return {
    candidates,
    others,
    refused: refused.toSorted(byPath),
    unmarked: [...unmarked].flatMap(([file, path]) => (byFile.has(file) ? [] : [path])).toSorted(),
    fingerprint:
      isStamped && refused.length === 0 ? fingerprintOf([...candidates, ...others], unmarked.size, stamps) : undefined,
    yielder,
  };
}

/** The project of each location that exists. */
function projectsOf(
  locations: readonly Location[],
  { projectFolder }: ScanOptions,
): ReadonlyMap<Location, string | undefined> {
  return new Map(
    locations.flatMap((location) => {
      if (location.type === 'missing') return [];
      const folder = location.type === 'folder' ? location.file : dirname(location.file);
      return [[location, projectOf(folder, projectFolder)] as const];
    }),
  );
}

function unreadable({ path, code }: { readonly path: string; readonly code: string }): Refused {
  return { path, message: `It cannot be read: ${meaningOf(code)}.` };
}

function byPath(a: { readonly path: string }, b: { readonly path: string }): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
}
