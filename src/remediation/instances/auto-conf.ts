/**
 * `postgresql.auto.conf` as text: what ALTER SYSTEM writes, one `name = 'value'` a line. The last line of a name counts;
 * names are told apart without regard to case.
 */

/** A setting's new value; null takes its lines away, so that the file or default below it counts again. */
export type SettingChanges = Readonly<Record<string, string | null>>;

const line = /^\s*([A-Za-z_][A-Za-z0-9_.$]*)\s*(?:=\s*|\s)([^]*)$/;

/** Lower-case names with their values as written, without quotes. */
export function readAutoConf(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const one of text.split('\n')) {
    const [, name, rest] = line.exec(one) ?? [];
    if (name === undefined || rest === undefined) continue;
    // Moved to the end, as the server reads it.
    values.delete(name.toLowerCase());
    values.set(name.toLowerCase(), unquoted(rest));
  }
  return values;
}

/** Every line of the names taken away, the new ones at the end, as the server itself does; other bytes stay. */
export function withChanges(text: string, changes: SettingChanges): string {
  const names = new Set(Object.keys(changes).map((name) => name.toLowerCase()));
  const kept = text
    .split(/(?<=\n)/)
    .filter((one) => !names.has((line.exec(one.replace(/\r?\n$/, ''))?.[1] ?? '').toLowerCase()))
    .join('');
  const added = Object.entries(changes)
    .filter((change): change is [string, string] => change[1] !== null)
    .map(([name, value]) => `${name.toLowerCase()} = ${inQuotes(value)}\n`);
  if (added.length === 0) return kept;
  return `${kept === '' || kept.endsWith('\n') ? kept : `${kept}\n`}${added.join('')}`;
}

/** Whether the text says exactly that of these settings. */
export function saysAutoConf(text: string, changes: SettingChanges): boolean {
  const values = readAutoConf(text);
  return Object.entries(changes).every(([name, value]) => (values.get(name.toLowerCase()) ?? null) === value);
}

function inQuotes(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

function unquoted(rest: string): string {
  const quotedText = /^'((?:[^'\\]|''|\\[^])*)'/.exec(rest)?.[1];
  if (quotedText === undefined) return rest.replace(/\s*#[^]*$/, '').trim();
  return quotedText.replaceAll("''", "'").replaceAll(/\\([^])/g, '$1');
}
