/** What a text is as a date: ISO text, an unfilled placeholder, or neither. */
export type DateReading =
  { readonly type: 'date'; readonly iso: string } | { readonly type: 'placeholder' } | { readonly type: 'invalid' };

const form =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ]+(\d{2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?(?: ?(Z|UTC|[+-]\d{2}:?\d{2}))?)?$/i;

/**
 * `2025-01-31` and `2025-01-31 14:05`, with seconds and zone where the file has them, as ISO text. Only days that
 * the calendar has; nothing is added that the file does not say, so a date stays without a time and a time without a zone.
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

/** The day of an ISO text of `readDate`, which orders by time as text does. */
export function dayOf(iso: string): string {
  return iso.slice(0, 10);
}
