import { nearest } from '../../util/suggest.ts';
import type { TermType } from '../kinds/declaration.ts';
import { isPlaceholder } from './placeholder.ts';

/** What a word is in a closed list: one of its terms, an unfilled placeholder, or none of them with the nearest term. */
export type TermReading =
  | { readonly type: 'term'; readonly term: string }
  | { readonly type: 'placeholder' }
  | { readonly type: 'unknown'; readonly nearest: string | undefined };

const spellings = new WeakMap<TermType, ReadonlyMap<string, string>>();

/** Brackets or none, any case, `-`, `_` or a blank between words, and the list's aliases. Source: the registry format, docs/format.md. */
export function readTerm(text: string, type: TermType): TermReading {
  const known = spellingsOf(type);
  // As almost all are written: what is one of the spellings needs no other.
  const usual = known.get(withoutBrackets(text));
  if (usual !== undefined) return { type: 'term', term: usual };
  if (isPlaceholder(text)) return { type: 'placeholder' };
  // The choice of the template without its brackets: no term holds a bar.
  if (text.includes('|') && text.split('|').some((part) => known.has(spelling(part)))) return { type: 'placeholder' };
  const word = spelling(text);
  const term = known.get(word);
  if (term !== undefined) return { type: 'term', term };
  const meant = nearest(word, known.keys());
  return { type: 'unknown', nearest: meant === undefined ? undefined : known.get(meant) };
}

/** `[value]` → `value`; a link stays as it is. */
export function withoutBrackets(text: string): string {
  const inside = text.slice(1, -1);
  return text.startsWith('[') && text.endsWith(']') && !inside.includes('[') && !inside.includes(']')
    ? inside.trim()
    : text;
}

function spellingsOf(type: TermType): ReadonlyMap<string, string> {
  let known = spellings.get(type);
  if (known === undefined) {
    known = new Map([
      ...Object.keys(type.terms).map((term) => [spelling(term), term] as const),
      ...Object.entries(type.aliases ?? {}).map(([alias, term]) => [spelling(alias), term] as const),
    ]);
    spellings.set(type, known);
  }
  return known;
}

function spelling(text: string): string {
  return withoutBrackets(text)
    .toLowerCase()
    .replaceAll(/['’`*]/g, '')
    .trim()
    .replaceAll(/[-_\s]+/g, '_');
}
