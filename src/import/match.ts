import { distance } from 'fastest-levenshtein';
import { shortHash } from '../registry/identity.ts';
import type { ImportOrigin } from '../registry/origin.ts';
import type { ProblemRecord } from '../registry/record.ts';
import { titleKey } from './titles.ts';
import type { ImportProposal } from './types.ts';

/** A record of the registry that problems are imported into. */
export interface KnownRecord {
  readonly record: ProblemRecord;
  /** Undefined: someone wrote it, or another tool. */
  readonly origin: ImportOrigin | undefined;
}

/** A proposal and the record that it is about. */
export interface Match {
  readonly proposal: ImportProposal;
  readonly known: KnownRecord;
  /**
   * `same`: the record came from this problem of this file. `elsewhere`: it came from another file that still exists, or from
   * none, so it is not changed.
   */
  readonly by: 'same' | 'elsewhere';
}

export interface Matches {
  /** In the order of the proposals. */
  readonly matches: readonly Match[];
  readonly unmatched: readonly ImportProposal[];
  /** Records whose source is no longer in the file, although it should be. */
  readonly gone: readonly KnownRecord[];
}

/** How similar two titles must be: measured over successive versions of 24 files, 1% of the records changed their title. */
const similar = 0.75;

/** Longer titles are compared by their beginnings, and more than this many are not compared: the time grows with the square. */
const compared = { characters: 120, titles: 150 } as const;

/**
 * Finds the record of each proposal: by file, title and running number; then by title and number alone, since a file may have
 * been renamed and the record may be someone's own; then, for text that should still be in the file, by a similar title or an
 * equal description.
 * @param from The file that the proposals were read from, as in an origin.
 * @param exists Whether a file that an origin names is there.
 * @param descriptionOf The hash of what a proposal would say as its description.
 */
export function matchProposals(
  proposals: readonly ImportProposal[],
  records: readonly KnownRecord[],
  from: string,
  exists: (from: string) => boolean,
  descriptionOf: (proposal: ImportProposal) => string | undefined,
): Matches {
  const found = new Map<ImportProposal, Match>();
  const taken = new Set<KnownRecord>();
  const take = (proposal: ImportProposal, known: KnownRecord | undefined, by: Match['by']): void => {
    if (known === undefined) return;
    found.set(proposal, { proposal, known, by });
    taken.add(known);
  };

  const byOrigin = new Map(records.flatMap((one) => (one.origin === undefined ? [] : [[nameOf(one.origin), one]])));
  for (const proposal of proposals) {
    const { title, occurrence } = proposal;
    take(proposal, byOrigin.get(nameOf({ from, title: titleKey(title), occurrence })), 'same');
  }
  const byTitle = new Map<string, KnownRecord[]>();
  for (const known of records) {
    const key = titleKey(known.record.title);
    if (!taken.has(known)) byTitle.set(key, [...(byTitle.get(key) ?? []), known]);
  }
  for (const proposal of proposals) {
    if (found.has(proposal)) continue;
    const known = byTitle.get(titleKey(proposal.title))?.find((one) => !taken.has(one) && isThis(one, proposal));
    const isMoved = known?.origin !== undefined && known.origin.from !== '.' && !exists(known.origin.from);
    take(proposal, known, isMoved ? 'same' : 'elsewhere');
  }

  const rest = records.filter((one) => !taken.has(one) && one.origin?.from === from && one.origin.kept);
  const open = proposals.filter((proposal) => !found.has(proposal));
  for (const { proposal, known } of likely(open, rest, descriptionOf))
    if (!found.has(proposal) && !taken.has(known)) take(proposal, known, 'same');
  return {
    matches: proposals.flatMap((proposal) => found.get(proposal) ?? []),
    unmatched: proposals.filter((proposal) => !found.has(proposal)),
    gone: rest.filter((one) => !taken.has(one)),
  };
}

function nameOf({ from, title, occurrence }: Pick<ImportOrigin, 'from' | 'title' | 'occurrence'>): string {
  return JSON.stringify([from, title, occurrence]);
}

/** Of several records with one title, the number in their source says which is meant. */
function isThis({ origin }: KnownRecord, { occurrence }: ImportProposal): boolean {
  return origin === undefined || origin.occurrence === occurrence;
}

/** Pairs that may be the same problem, the most similar first. */
function likely(
  proposals: readonly ImportProposal[],
  records: readonly KnownRecord[],
  descriptionOf: (proposal: ImportProposal) => string | undefined,
): readonly { readonly proposal: ImportProposal; readonly known: KnownRecord; readonly score: number }[] {
  return proposals
    .slice(0, compared.titles)
    .flatMap((proposal) =>
      records
        .slice(0, compared.titles)
        .map((known) => ({ proposal, known, score: likeness(proposal, known, descriptionOf) })),
    )
    .filter(({ score }) => score >= similar)
    .toSorted((a, b) => b.score - a.score);
}

function likeness(
  proposal: ImportProposal,
  { origin }: KnownRecord,
  descriptionOf: (proposal: ImportProposal) => string | undefined,
): number {
  const [one, other] = [titleKey(proposal.title), origin?.title ?? ''].map((key) => key.slice(0, compared.characters));
  const ratio = 1 - distance(one ?? '', other ?? '') / Math.max(one?.length ?? 0, other?.length ?? 0, 1);
  if (ratio >= similar) return ratio;
  const said = descriptionOf(proposal);
  const values = origin?.values ?? {};
  const isEqual = said !== undefined && said !== shortHash('') && Object.values(values).includes(said);
  return isEqual ? similar : 0;
}
