import type { Remarked } from './remarks.ts';

/** A text read as a date: ISO text, an unfilled placeholder, or neither. */
export type DateReading =
  { readonly type: 'date'; readonly iso: string } | { readonly type: 'placeholder' } | { readonly type: 'invalid' };

const form =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ]+(\d{2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?(?: ?(Z|UTC|[+-]\d{2}:?\d{2}))?)?$/i;

/**
 * Reads `2025-01-31` and `2025-01-31 14:05`, with seconds and zone if present, as ISO text. Accepts only days that exist
 * in the calendar. Adds nothing: a date without a time stays without a time, and a time without a zone without a zone.
 */
export function readDate(text: string): DateReading {
  if (/^YYYY-MM-DD/i.test(text) || (text.startsWith('[') && text.includes('|'))) return { type: 'placeholder' };
  const match = text.length > 40 ? null : form.exec(text);
  if (match === null) return { type: 'invalid' };
  const [, year = '', month = '', day = '', hour, minute, second, zone] = match;
  if (!isDay(Number(year), Number(month), Number(day))) return { type: 'invalid' };
  if (hour === undefined || minute === undefined) return { type: 'date', iso: `${year}-${month}-${day}` };
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second ?? 0) > 59) return { type: 'invalid' };
  const offset = zone === undefined ? '' : readZone(zone);
  if (offset === undefined) return { type: 'invalid' };
  return {
    type: 'date',
    iso: `${year}-${month}-${day}T${hour}:${minute}${second === undefined ? '' : `:${second}`}${offset}`,
  };
}

function isDay(year: number, month: number, day: number): boolean {
  const date = new Date(Date.UTC(2000, month - 1, day));
  date.setUTCFullYear(year, month - 1, day);
  return month >= 1 && day >= 1 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

function readZone(zone: string): string | undefined {
  if (!/^[+-]/.test(zone)) return 'Z';
  const hours = zone.slice(1, 3);
  const minutes = zone.slice(-2);
  return Number(hours) > 14 || Number(minutes) > 59 ? undefined : `${zone.charAt(0)}${hours}:${minutes}`;
}

/** The day of an ISO text of `readDate`. Days sort as text. */
export function dayOf(iso: string): string {
  return iso.slice(0, 10);
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

const month = '(?<name>[A-Za-z]{3,9})\\.?';

const day = '(?<day>\\d{1,2})(?:st|nd|rd|th)?';

/** Forms in which day and month cannot be confused. */
const written = [
  String.raw`(?<year>\d{4})(?<mark>[-/.])(?<month>\d{1,2})\k<mark>(?<day>\d{1,2})`,
  String.raw`${day} ${month},? (?<year>\d{4})`,
  String.raw`${month} ${day},? (?<year>\d{4})`,
].map(
  (core) =>
    new RegExp(
      String.raw`^(?<about>(?:~|≈|c\.|ca\.|circa|about|around) ?)?${core}(?:[T ,]+(?<hour>\d{1,2}):(?<minute>\d{2})(?<second>:\d{2})?(?:\.\d{1,9})?(?: ?(?<half>AM|PM))?(?: ?(?<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2}))?)?(?<rest>$|[\s(,;?].*$)`,
      'is',
    ),
);

/**
 * Reads a date that is not in ISO form but clear: `2025/8/29`, `29 August 2025, 2:05 PM`, `~2025-08-29 (first seen)`. What
 * follows it is its remark. Undefined for `08/09/2025`, which could be two days, and for months and quarters.
 */
export function readWrittenDate(text: string): Remarked<string> | undefined {
  for (const pattern of text.length > 200 ? [] : written) {
    const groups = pattern.exec(text)?.groups;
    if (groups === undefined) continue;
    const { about = '', name, hour, minute = '', second = '', half = '', zone = '', rest = '' } = groups;
    const number = name === undefined ? Number(groups['month']) : months.indexOf(name.slice(0, 3).toLowerCase()) + 1;
    const date = [groups['year'] ?? '', String(number).padStart(2, '0'), (groups['day'] ?? '').padStart(2, '0')].join(
      '-',
    );
    const time = hour === undefined ? '' : ` ${hourOf(hour, half)}:${minute}${second}${zone.replace(/gmt/i, 'UTC')}`;
    const reading = readDate(date + time);
    if (reading.type !== 'date') continue;
    const remark = `${about.trim()} ${rest.replace(/^[\s,;]+/, '').replace(/^\(([^()]*)\)$/, '$1')}`.trim();
    return { value: reading.iso, remark: remark === '' ? undefined : remark };
  }
  return undefined;
}

function hourOf(hour: string, half: string): string {
  if (half === '') return hour.padStart(2, '0');
  const number = Number(hour);
  return number < 1 || number > 12 ? '99' : String((number % 12) + (/p/i.test(half) ? 12 : 0)).padStart(2, '0');
}
