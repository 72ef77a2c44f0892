import { formatSize } from './sizes.ts';

/**
 * The settings that the tool may change, each within its own bounds.
 * See docs/engineering/settings.md#when-a-change-applies.
 */
export interface KnownSetting {
  /** `reload`: applies to the running server. `start`: applies at the next start. */
  readonly applies: 'reload' | 'start';
  readonly value: ValueKind;
  /** Also accepted by ALTER ROLE and ALTER DATABASE. */
  readonly perRole?: true;
}

export type ValueKind =
  /** Has a unit; bounds in bytes. `off`: the number that disables it or leaves it to another setting. */
  | { readonly type: 'bytes'; readonly min: number; readonly max: number; readonly off?: string }
  /** Has a unit, or is 0; bounds in milliseconds. */
  | { readonly type: 'time'; readonly min: number; readonly max: number }
  | { readonly type: 'integer'; readonly min: number; readonly max: number }
  | { readonly type: 'word'; readonly words: readonly string[] }
  /** One line without control characters. */
  | { readonly type: 'text'; readonly maxLength: number };

const kB = 1024;

const MB = 1024 * kB;

const GB = 1024 * MB;

const minute = 60_000;

const day = 1_440 * minute;

const timeout = { applies: 'reload', value: { type: 'time', min: 0, max: 7 * day }, perRole: true } as const;

const onOff = { type: 'word', words: ['on', 'off'] } as const;

const knownSettings = {
  max_connections: { applies: 'start', value: { type: 'integer', min: 10, max: 5_000 } },
  superuser_reserved_connections: { applies: 'start', value: { type: 'integer', min: 1, max: 50 } },
  reserved_connections: { applies: 'start', value: { type: 'integer', min: 0, max: 100 } },
  shared_buffers: { applies: 'start', value: { type: 'bytes', min: MB, max: 256 * GB } },
  max_worker_processes: { applies: 'start', value: { type: 'integer', min: 1, max: 256 } },
  max_wal_senders: { applies: 'start', value: { type: 'integer', min: 1, max: 100 } },
  max_locks_per_transaction: { applies: 'start', value: { type: 'integer', min: 64, max: 1_024 } },
  wal_buffers: { applies: 'start', value: { type: 'bytes', min: 32 * kB, max: GB, off: '-1' } },
  // `minimal` would make base backups and archiving impossible.
  wal_level: { applies: 'start', value: { type: 'word', words: ['replica', 'logical'] } },
  archive_mode: { applies: 'start', value: onOff },
  archive_command: { applies: 'reload', value: { type: 'text', maxLength: 1_000 } },
  archive_timeout: { applies: 'reload', value: { type: 'time', min: 0, max: day } },
  work_mem: { applies: 'reload', value: { type: 'bytes', min: 64 * kB, max: 4 * GB }, perRole: true },
  maintenance_work_mem: { applies: 'reload', value: { type: 'bytes', min: MB, max: 8 * GB }, perRole: true },
  autovacuum_work_mem: { applies: 'reload', value: { type: 'bytes', min: MB, max: 8 * GB, off: '-1' } },
  max_parallel_workers_per_gather: {
    applies: 'reload',
    value: { type: 'integer', min: 0, max: 64 },
    perRole: true,
  },
  max_parallel_workers: { applies: 'reload', value: { type: 'integer', min: 0, max: 256 }, perRole: true },
  effective_cache_size: { applies: 'reload', value: { type: 'bytes', min: 8 * MB, max: 4_096 * GB }, perRole: true },
  max_wal_size: { applies: 'reload', value: { type: 'bytes', min: 32 * MB, max: 1_024 * GB } },
  min_wal_size: { applies: 'reload', value: { type: 'bytes', min: 32 * MB, max: 1_024 * GB } },
  // In MB, so smaller units would be rounded.
  max_slot_wal_keep_size: { applies: 'reload', value: { type: 'bytes', min: 64 * MB, max: 4_096 * GB, off: '-1' } },
  temp_file_limit: { applies: 'reload', value: { type: 'bytes', min: MB, max: 4_096 * GB, off: '-1' }, perRole: true },
  idle_in_transaction_session_timeout: timeout,
  idle_session_timeout: timeout,
  statement_timeout: timeout,
  lock_timeout: timeout,
  client_connection_check_interval: timeout,
  log_line_prefix: { applies: 'reload', value: { type: 'text', maxLength: 200 } },
  log_connections: { applies: 'reload', value: onOff },
  log_lock_waits: { applies: 'reload', value: onOff, perRole: true },
  log_temp_files: { applies: 'reload', value: { type: 'bytes', min: 0, max: 1_024 * GB, off: '-1' }, perRole: true },
} as const satisfies Readonly<Record<string, KnownSetting>>;

/** Undefined if the name is not listed. */
export function knownSetting(name: string): KnownSetting | undefined {
  return Object.entries(knownSettings).find(([known]) => known === name)?.[1];
}

/** Why a value is not allowed, as a phrase; undefined if it is. */
export function unfitValue(name: string, value: string): string | undefined {
  const kind = knownSetting(name)?.value;
  if (kind === undefined) return 'is not a setting that can be changed automatically';
  switch (kind.type) {
    case 'bytes': {
      if (value === kind.off) return undefined;
      const bytes = bytesOf(value);
      return bytes === undefined ? 'needs a unit: kB, MB, GB' : outside(bytes, kind);
    }
    case 'time': {
      const milliseconds = millisecondsOf(value);
      return milliseconds === undefined ? 'needs a unit: ms, s, min, h, d' : outside(milliseconds, kind);
    }
    case 'integer':
      return /^\d{1,9}$/.test(value) ? outside(Number(value), kind) : 'must be a number';
    case 'word':
      return kind.words.includes(value) ? undefined : `must be one of ${kind.words.join(', ')}`;
    case 'text':
      return /^[^\p{Cc}]*$/u.test(value) && value.length <= kind.maxLength
        ? undefined
        : `must be one line of at most ${kind.maxLength} characters`;
  }
}

/**
 * A value in the unit of pg_settings, as text: `64MB` is 8192 for `8kB`. Serves to compare a written value with `setting` and
 * `unit`. Text and words are unchanged.
 */
export function isValue(name: string, value: string, setting: string, unit: string | null): boolean {
  const kind = knownSetting(name)?.value;
  if (kind?.type === 'bytes' && value !== kind.off) return bytesOf(value) === inUnit(setting, unit, bytesOf);
  if (kind?.type === 'time') return millisecondsOf(value) === inUnit(setting, unit, millisecondsOf);
  return value === setting;
}

/** Bytes of `1GB`, in units of 1,024; undefined without a unit. */
export function bytesOf(value: string): number | undefined {
  const [, amount, unit = ''] = /^(\d{1,12})\s?(B|kB|MB|GB|TB)$/.exec(value.trim()) ?? [];
  const factor = { B: 1, kB, MB, GB, TB: 1_024 * GB }[unit];
  return amount === undefined || factor === undefined ? undefined : Number(amount) * factor;
}

function millisecondsOf(value: string): number | undefined {
  if (value === '0') return 0;
  const [, amount, unit = ''] = /^(\d{1,10})\s?(ms|s|min|h|d)$/.exec(value.trim()) ?? [];
  const factor = { ms: 1, s: 1_000, min: minute, h: 60 * minute, d: day }[unit];
  return amount === undefined || factor === undefined ? undefined : Number(amount) * factor;
}

/** Units of pg_settings may have a number, such as `8kB`. */
function inUnit(setting: string, unit: string | null, read: (value: string) => number | undefined): number | undefined {
  const [, times = '', name = ''] = /^(\d*)([A-Za-z]+)$/.exec(unit ?? '') ?? [];
  const one = read(`1${name}`);
  return one === undefined ? undefined : Number(setting) * one * Number(times || '1');
}

function outside(amount: number, { min, max }: { readonly min: number; readonly max: number }): string | undefined {
  return amount < min || amount > max ? 'is outside the bounds for automatic changes' : undefined;
}

/** The value of a setting: bytes, a number, or a word such as `off`. */
export type SettingValue =
  | { readonly type: 'size'; readonly bytes: number }
  | { readonly type: 'number'; readonly number: number }
  | { readonly type: 'word'; readonly word: string };

/**
 * The source of a value; docs/tuning.md has a section for each. `pgtune`: PGTune itself. The others are corrections: `backups`
 * keeps the WAL that backups and standbys need, `connections` and `memory` fit the worst case into the limit, `disk` fits the WAL
 * onto its disk, `build` avoids what the server was built without, `seccomp` what Docker forbids.
 */
export type Rule = 'pgtune' | 'backups' | 'connections' | 'memory' | 'disk' | 'build' | 'seccomp';

/** The value recommended for one setting. */
export interface Advice {
  readonly name: string;
  readonly value: SettingValue;
  /** One sentence. */
  readonly reason: string;
  readonly rule: Rule;
  /** The value of PGTune, if a correction changes it. */
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

/** In the form of ALTER SYSTEM and SHOW: `512MB`, `1.1`, `off`. */
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

/** Bytes or number of a recommended setting; undefined if it is a word or not among them. */
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
