import { formatSize } from '../postgres/sizes.ts';

/** What a setting can be: bytes, a number, or a word such as `off`. */
export type SettingValue =
  | { readonly type: 'size'; readonly bytes: number }
  | { readonly type: 'number'; readonly number: number }
  | { readonly type: 'word'; readonly word: string };

/**
 * Where a value comes from; docs/tuning.md has a section for each. `pgtune`: PGTune's own. The others are corrections:
 * `backups` keeps WAL for those who need it, `connections` and `memory` fit the worst case into the limit, `disk` the WAL
 * onto its disk, `build` leaves out what the server was built without, `seccomp` what Docker forbids.
 */
export type Rule = 'pgtune' | 'backups' | 'connections' | 'memory' | 'disk' | 'build' | 'seccomp';

/** The value recommended for one setting. */
export interface Advice {
  readonly name: string;
  readonly value: SettingValue;
  /** One sentence. */
  readonly reason: string;
  readonly rule: Rule;
  /** What PGTune says, where a correction says otherwise. */
  readonly pgtune?: SettingValue;
}

export function size(bytes: number): SettingValue {
  return { type: 'size', bytes };
}

export function number(value: number): SettingValue {
  return { type: 'number', number: value };
}

export function word(text: string): SettingValue {
  return { type: 'word', word: text };
}

/** As ALTER SYSTEM takes it and SHOW prints it: `512MB`, `1.1`, `off`. */
export function formatValue(value: SettingValue): string {
  switch (value.type) {
    case 'size':
      return formatSize(value.bytes);
    case 'number':
      return String(value.number);
    case 'word':
      return value.word;
  }
}

/** Bytes or the number of a setting among the advice; undefined where it is a word or is not named. */
export function amountOf(advice: readonly Advice[], name: string): number | undefined {
  const value = advice.find((one) => one.name === name)?.value;
  switch (value?.type) {
    case 'size':
      return value.bytes;
    case 'number':
      return value.number;
    default:
      return undefined;
  }
}
