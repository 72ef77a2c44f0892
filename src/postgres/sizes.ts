/** Sizes as PostgreSQL writes them: `128MB`, `7864kB`, or a bare number in the unit of the setting (`8kB` in pg_settings). */

export const kiB = 1024;
export const MiB = 1024 ** 2;
export const GiB = 1024 ** 3;

/** Case counts, as in postgresql.conf. */
const units: Readonly<Record<string, number>> = { B: 1, kB: kiB, MB: MiB, GB: GiB, TB: 1024 ** 4 };

/** From the largest, as SHOW tries them. */
const descending = Object.entries(units).toReversed();

/**
 * Bytes of `128MB`, `1.5GB` or, with a unit of the setting such as `kB` or `8kB`, of a bare number. Undefined for what
 * is no size, and for negative numbers: they stand for something else (`autovacuum_work_mem = -1`).
 */
export function parseSize(text: string, unit?: string | null): number | undefined {
  const match = /^\s*(\d{1,15}(?:\.\d{1,6})?)\s*([kMGT]?B)?\s*$/.exec(text);
  if (match === null) return undefined;
  const [, number = '', written] = match;
  const factor = written === undefined ? unitBytes(unit ?? undefined) : units[written];
  return factor === undefined ? undefined : Math.round(Number(number) * factor);
}

/** Bytes of a unit as `pg_settings.unit` has it: `kB`, `8kB`, `16MB`. Undefined for units of time, and without one. */
function unitBytes(unit: string | undefined): number | undefined {
  const match = /^(\d{0,4})([kMGT]?B)$/.exec(unit ?? '');
  if (match === null) return undefined;
  const [, times = '', name = ''] = match;
  return (times === '' ? 1 : Number(times)) * (units[name] ?? 1);
}

/** As SHOW prints it: the largest unit in which it is a whole number. Whole bytes, not negative. */
export function formatSize(bytes: number): string {
  if (bytes === 0) return '0';
  const [unit, factor] = descending.find(([, size]) => bytes % size === 0) ?? ['B', 1];
  return `${bytes / factor}${unit}`;
}

/** For people: at most one digit after the point, `1.5 GiB`, `271 MiB`, `64 kiB`. */
export function readableSize(bytes: number): string {
  const name = Math.abs(bytes) >= GiB ? 'GB' : Math.abs(bytes) >= MiB ? 'MB' : 'kB';
  return `${Math.round((bytes / (units[name] ?? 1)) * 10) / 10} ${name.replace('B', 'iB')}`;
}

/** Down to a whole number of `unit` bytes. */
export function floorTo(bytes: number, unit: number): number {
  return Math.floor(bytes / unit) * unit;
}
