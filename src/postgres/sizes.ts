/** Sizes as PostgreSQL writes them: `128MB`, `7864kB`, or a bare number in the unit of the setting (`8kB` in pg_settings). */

export const kiB = 1024;
export const MiB = 1024 ** 2;
export const GiB = 1024 ** 3;

/** Case-sensitive, as in postgresql.conf. */
const units: Readonly<Record<string, number>> = { B: 1, kB: kiB, MB: MiB, GB: GiB, TB: 1024 ** 4 };

/** Largest first, as SHOW tries them. */
const descending = Object.entries(units).toReversed();

/**
 * Bytes of `128MB`, `1.5GB` or, with a unit of the setting such as `kB` or `8kB`, of a bare number. Undefined for
 * anything else, and for negative numbers, which have another meaning (`autovacuum_work_mem = -1`).
 */
export function parseSize(text: string, unit?: string | null): number | undefined {
  const match = /^\s*(\d{1,15}(?:\.\d{1,6})?)\s*([kMGT]?B)?\s*$/.exec(text);
  if (match === null) return undefined;
  const [, number = '', written] = match;
  const factor = written === undefined ? unitBytes(unit ?? undefined) : units[written];
  return factor === undefined ? undefined : Math.round(Number(number) * factor);
}

/** Bytes of a unit of `pg_settings.unit`: `kB`, `8kB`, `16MB`. Undefined for units of time and without a unit. */
function unitBytes(unit: string | undefined): number | undefined {
  const match = /^(\d{0,4})([kMGT]?B)$/.exec(unit ?? '');
  if (match === null) return undefined;
  const [, times = '', name = ''] = match;
  return (times === '' ? 1 : Number(times)) * (units[name] ?? 1);
}

/** In the form of SHOW: the largest unit with a whole number. Takes whole bytes, not negative. */
export function formatSize(bytes: number): string {
  if (bytes === 0) return '0';
  const [unit, factor] = descending.find(([, size]) => bytes % size === 0) ?? ['B', 1];
  return `${bytes / factor}${unit}`;
}

/** For messages, with at most one decimal: `1.5 GiB`, `271 MiB`, `64 kiB`. */
export function readableSize(bytes: number): string {
  const name = Math.abs(bytes) >= GiB ? 'GB' : Math.abs(bytes) >= MiB ? 'MB' : 'kB';
  return `${Math.round((bytes / (units[name] ?? 1)) * 10) / 10} ${name.replace('B', 'iB')}`;
}

/** Rounds down to a multiple of `unit` bytes. */
export function floorTo(bytes: number, unit: number): number {
  return Math.floor(bytes / unit) * unit;
}
