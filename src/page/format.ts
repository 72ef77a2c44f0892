/** Times and figures as the page writes them. Pure; the time of now is a parameter. */

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `1.5 GiB`, with three figures at most. */
export function bytes(value: number): string {
  const size = Math.abs(value);
  const step = size < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(size) / 10));
  const scaled = size / 1024 ** step;
  const text = scaled >= 100 || Number.isInteger(scaled) ? scaled.toFixed(0) : scaled.toFixed(1);
  return `${value < 0 ? '−' : ''}${text} ${units[step] ?? 'B'}`;
}

/** `3 min 20 s`: the two largest units that are not zero. */
export function duration(seconds: number): string {
  if (seconds < 1) return seconds > 0 ? `${(seconds * 1000).toFixed(0)} ms` : '0 s';
  const whole = Math.round(seconds);
  const parts = [
    [Math.floor(whole / 86_400), 'd'],
    [Math.floor(whole / 3600) % 24, 'h'],
    [Math.floor(whole / 60) % 60, 'min'],
    [whole % 60, 's'],
  ] as const;
  const first = parts.findIndex(([amount]) => amount > 0);
  return parts
    .slice(first, first + 2)
    .filter(([amount]) => amount > 0)
    .map(([amount, unit]) => `${amount} ${unit}`)
    .join(' ');
}

/** `40 s`, `5 min`, `3 h`, `12 d`: one unit, for ages that tick. */
export function age(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** `40 s ago`, `in 5 min`. */
export function relative(at: string, now: number): string {
  const difference = Date.parse(at) - now;
  if (Number.isNaN(difference)) return at;
  return difference > 0 ? `in ${age(difference)}` : `${age(-difference)} ago`;
}

const dayNames = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const;

/** `13:55` on the day of now, else `Sat 02:00` within a week, else `2026-11-30 13:55`. UTC. */
export function clock(at: string, now: number): string {
  const time = Date.parse(at);
  if (Number.isNaN(time)) return at;
  const iso = new Date(time).toISOString();
  const hours = iso.slice(11, 16);
  if (iso.slice(0, 10) === new Date(now).toISOString().slice(0, 10)) return hours;
  if (Math.abs(time - now) < 6 * 86_400_000) return `${dayNames[new Date(time).getUTCDay()] ?? ''} ${hours}`;
  return `${iso.slice(0, 10)} ${hours}`;
}

const monthNames = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;

/** `23 Nov`. UTC. */
export function day(at: string): string {
  const date = new Date(at);
  return `${date.getUTCDate()} ${monthNames[date.getUTCMonth()] ?? ''}`;
}

/** For a `title`: UTC first, then the time of the browser. */
export function bothTimes(at: string): string {
  const time = new Date(at);
  if (Number.isNaN(time.getTime())) return at;
  const utc = `${time.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
  return `${utc} · ${time.toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'medium' })} local`;
}

/** `1 instance`, `7 instances`. */
export function count(number: number, noun: string, plural = `${noun}s`): string {
  return `${number} ${number === 1 ? noun : plural}`;
}

export function percent(share: number): string {
  return `${Math.round(share * 100)}%`;
}

/** Three significant figures, without trailing zeros. */
export function figure(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** `port-taken` as words: `port taken`. */
export function words(kebab: string): string {
  return kebab.replaceAll(/[-_]/g, ' ');
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

// Controls, and what turns the direction of text or hides: they could make a line read as something that it does not say.
// oxlint-disable-next-line no-control-regex
const hidden = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u00AD\u061C\u200B-\u200F\u2028-\u202E\u2060-\u206F\uFEFF]/g;

/** Text of others with each hidden character written out, as `\u202e`. Line breaks and tabs stay. */
export function visible(text: string): string {
  return text.replaceAll(hidden, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
