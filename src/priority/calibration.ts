import type { ProblemIntegration } from '../registry/record.ts';
import { type EstimateValues, isImpact, isProbability, isResourceCost, isUrgency } from './priority.ts';
import {
  matchPhrase,
  type MatchPlace,
  matchPlaces,
  namesTerm,
  namingWords,
  type RecordText,
  wordsOf,
} from './record-text.ts';
import type { Estimates } from './types.ts';

/** One example of a calibration line, `port conflicts = 8`. */
export interface Example<Value> {
  readonly phrase: string;
  /** The words of the phrase that name something. */
  readonly words: readonly string[];
  readonly value: Value;
}

/** The examples of an integration block's Priority Calculation, in the order of the file. */
export type Calibrations = { readonly [Name in keyof Estimates]: readonly Example<EstimateValues[Name]>[] };

/** An example that matches a record, and where in the record it matches. */
export interface Calibrated<Value> extends Example<Value> {
  readonly foundIn: MatchPlace;
}

const longestLine = 4000;

/** Reads the examples in brackets. Skips other text, and values that the estimate cannot have. */
export function readCalibrations(integration: ProblemIntegration | undefined): Calibrations {
  const lines = integration?.priorityCalculation;
  const other = (end: string) => (integration === undefined ? undefined : extraLine(integration, end));
  return {
    impact: examples(lines?.severityFrequencyImpactScore ?? other('impact score'), impactOf),
    urgency: examples(lines?.userBusinessImpactUrgencyLevel ?? other('urgency level'), urgencyOf),
    successProb: examples(lines?.investigationStatusSuccessProbability ?? other('success probability'), probabilityOf),
    resourceCost: examples(lines?.complexityResourceCostEstimate ?? other('cost estimate'), costOf),
  };
}

/** The best match among examples that name a header term of the record, the most reliable ones. */
export function findTermCalibration<Value>(
  candidates: readonly Example<Value>[],
  text: RecordText,
): Calibrated<Value> | undefined {
  return findCalibration(
    candidates.filter(({ words }) => namesTerm(words, text)),
    text,
  );
}

/** The best match: by where it is found, then by the number of words, then the first. */
export function findCalibration<Value>(
  candidates: readonly Example<Value>[],
  text: RecordText,
): Calibrated<Value> | undefined {
  return candidates
    .flatMap((example) => {
      const foundIn = matchPhrase(example.words, text);
      return foundIn === undefined ? [] : [{ ...example, foundIn }];
    })
    .toSorted(
      (a, b) => matchPlaces.indexOf(a.foundIn) - matchPlaces.indexOf(b.foundIn) || b.words.length - a.words.length,
    )
    .at(0);
}

/** A line whose label is worded freely (`Severity → Impact score`) is kept as `extra`. */
function extraLine(integration: ProblemIntegration, end: string): string | undefined {
  const label = Object.keys(integration.extra).find((key) => wordsOf(key).join(' ').endsWith(end));
  return label === undefined ? undefined : integration.extra[label];
}

function examples<Value>(
  line: string | undefined,
  valueOf: (text: string) => Value | undefined,
): readonly Example<Value>[] {
  const brackets = line?.slice(0, longestLine).matchAll(/\(([^()]*)\)/g) ?? [];
  return [...brackets]
    .flatMap(([, inside = '']) => inside.split(/[,;]/))
    .flatMap((example) => {
      const [phrase = '', written = ''] = example
        .split('=', 2)
        .map((part) => part.replaceAll(/[`"'[\]\s]+/g, ' ').trim());
      const value = phrase === '' ? undefined : valueOf(written.toLowerCase());
      return value === undefined ? [] : [{ phrase, words: namingWords(phrase), value }];
    });
}

function impactOf(text: string): number | undefined {
  const value = numberOf(text);
  return isImpact(value) ? value : undefined;
}

function probabilityOf(text: string): number | undefined {
  const percent = /^(.*\d)\s*%$/.exec(text)?.[1];
  const value = percent === undefined ? numberOf(text) : numberOf(percent) / 100;
  return isProbability(value) ? value : undefined;
}

function urgencyOf(text: string): EstimateValues['urgency'] | undefined {
  return isUrgency(text) ? text : undefined;
}

function costOf(text: string): EstimateValues['resourceCost'] | undefined {
  return isResourceCost(text) ? text : undefined;
}

function numberOf(text: string): number {
  return /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
}
