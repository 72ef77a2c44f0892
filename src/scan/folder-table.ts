import { type Stamp, stampLength } from './stamps.ts';

/** What a scan needs to know of a folder: names alone, ignored ones left out. */
export interface Listing {
  readonly folders: readonly string[];
  /** Registries: regular files. */
  readonly files: readonly string[];
  /** Symbolic links with the name of a registry. */
  readonly links: readonly string[];
  /** Ignore files that stand in it or would have a say in it, relative to it. */
  readonly rules: readonly string[];
  readonly isRepository: boolean;
}

/**
 * A folder as a scan saw it. The numbers at `at` are its stamp, a stamp for each of `rules`, and for each of `files` a
 * stamp and 1 where it holds `EMBED:`, else 0.
 */
export interface FolderEntry extends Listing {
  readonly path: string;
  readonly numbers: ArrayLike<number>;
  readonly at: number;
}

const fileLength = stampLength + 1;

export function ruleOffset(entry: { readonly at: number }, index: number): number {
  return entry.at + stampLength * (index + 1);
}

export function fileOffset(entry: Pick<FolderEntry, 'at' | 'rules'>, index: number): number {
  return entry.at + stampLength * (entry.rules.length + 1) + fileLength * index;
}

export function entryLength(listing: Pick<Listing, 'rules' | 'files'>): number {
  return stampLength * (listing.rules.length + 1) + fileLength * listing.files.length;
}

export interface SeenFile {
  readonly stamp: Stamp;
  readonly holdsMarker: boolean;
}

export interface Stamps {
  readonly folder: Stamp;
  readonly rules: readonly Stamp[];
  readonly files: readonly SeenFile[];
}

export function createEntry(path: string, listing: Listing, stamps: Stamps): FolderEntry {
  const { folders, files, links, rules, isRepository } = listing;
  const numbers = [...stamps.folder];
  for (const stamp of stamps.rules) numbers.push(...stamp);
  for (const { stamp, holdsMarker } of stamps.files) numbers.push(...stamp, Number(holdsMarker));
  return { path, folders, files, links, rules, isRepository, numbers, at: 0 };
}

/** What a scan saw of all folders, by path. */
export type FolderTable = ReadonlyMap<string, FolderEntry>;
