import { compareBy } from '../../util/compare.ts';
import type { ReadMetric } from './declarations.ts';

/** One line of `/metrics`. */
export interface Series {
  readonly metric: ReadMetric;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A name of an instance that is unique over all engines: without the engine for the one of a config that lists none. */
export function instanceLabel({ engine, instance }: { readonly engine: string; readonly instance: string }): string {
  return labelValue(engine === 'local' ? instance : `${engine}/${instance}`);
}

const longestLabel = 128;

/**
 * A text as the value of a label: at most 128 characters, valid Unicode, without control and direction characters. Quotes,
 * backslashes and line feeds are escaped when it is written.
 */
export function labelValue(text: string): string {
  const clean = text.toWellFormed().replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?');
  const characters = Array.from(clean.slice(0, 2 * longestLabel + 2));
  return characters.length > longestLabel ? `${characters.slice(0, longestLabel - 1).join('')}…` : characters.join('');
}

/** Seconds since 1970; NaN for what is not a time. */
export function unixSeconds(at: string): number {
  return Date.parse(at) / 1_000;
}

/** Series of one kind whose number depends on what was found, most important first. */
export interface SeriesGroup {
  readonly series: readonly Series[];
  /** The value of a series that represents several. */
  readonly merge: (values: readonly number[]) => number;
}

/**
 * The series of all groups, at most `limit` but at least one for each group that has any. The largest groups lose their last
 * series first; one with `other` in all labels but `pg_instance` takes their place, so that sums stay right.
 */
export function limitSeries(groups: readonly SeriesGroup[], limit: number): readonly Series[] {
  const sizes = groups.map(({ series }) => series.length);
  for (let total = sum(sizes); total > limit; total -= 1) {
    const largest = sizes.indexOf(Math.max(...sizes));
    const size = sizes[largest] ?? 0;
    if (size <= 1) break;
    sizes[largest] = size - 1;
  }
  return groups.flatMap(({ series, merge }, index) => mergedTo(series, sizes[index] ?? 0, merge));
}

function mergedTo(series: readonly Series[], size: number, merge: SeriesGroup['merge']): readonly Series[] {
  if (series.length <= size) return series;
  const kept = series.slice(0, size - 1);
  const rest = series.slice(size - 1);
  const [first] = rest;
  if (first === undefined) return kept;
  const labels = Object.fromEntries(
    Object.entries(first.labels).map(([name, value]) => [name, name === 'pg_instance' ? value : 'other']),
  );
  return [...kept, { metric: first.metric, labels, value: merge(rest.map(({ value }) => value)) }];
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Counts items by their labels. In the order of the labels' text. */
export function countBy<Item>(
  metric: ReadMetric,
  items: readonly Item[],
  labelsOf: (item: Item) => Readonly<Record<string, string>>,
  countOf: (item: Item) => number = () => 1,
): readonly Series[] {
  const counted = new Map<string, Series>();
  for (const item of items) {
    const labels = labelsOf(item);
    const key = JSON.stringify(labels);
    counted.set(key, { metric, labels, value: (counted.get(key)?.value ?? 0) + countOf(item) });
  }
  return [...counted.entries()].toSorted(compareBy(([key]) => key)).map(([, one]) => one);
}
