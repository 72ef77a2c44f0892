import type { Fleet, FleetFinding, FleetInstance, TunedSetting, Tuning } from '../../app/remediation.ts';
import { type Style, escapeTerminal } from '../escape-terminal.ts';
import type { Table } from '../table.ts';
import { count } from './diagnostics.ts';

/** Narrower terminals show the reasons below the table. */
const widthForReasons = 120;

/** One line per setting: current and recommended value, and what a change requires; if it fits, the source and reason. */
export function tuningTable({ settings }: Tuning, width = Infinity): Table {
  const wide = width >= widthForReasons;
  return {
    columns: [
      { title: 'SETTING' },
      { title: 'CURRENT', align: 'right' },
      { title: 'RECOMMENDED', align: 'right' },
      { title: 'CHANGE' },
      ...(wide ? [{ title: 'SET BY' }, { title: 'WHY', wraps: 'words' } as const] : []),
    ],
    rows: settings.map((setting) => [
      setting.name,
      setting.current ?? '?',
      setting.recommended,
      changeOf(setting),
      ...(wide ? [saidBy(setting.source), reasonOf(setting)] : []),
    ]),
  };
}

/** The reasons for changes, below a table that was too narrow for them. */
export function tuningReasons({ settings }: Tuning, width: number): string {
  if (width >= widthForReasons) return '';
  return lines(
    settings
      .filter(({ changes }) => changes)
      .map((setting) => `${setting.name} (${saidBy(setting.source)}): ${reasonOf(setting)}`)
      .map(escapeTerminal),
  );
}

function changeOf({ changes, takes, pendingRestart }: TunedSetting): string {
  if (pendingRestart) return 'restart pending';
  return changes ? takes : '';
}

/** The last part of a path is enough to distinguish the files. */
function saidBy(source: string | null): string {
  return source?.split('/').at(-1) ?? '?';
}

function reasonOf({ reason, pgtune }: TunedSetting): string {
  return pgtune === null ? reason : `${reason} (PGTune: ${pgtune})`;
}

/** The facts behind the numbers, above the table. */
export function tuningHead(tuning: Tuning, style: Style): string {
  const { instance, profile, disk, memory, cpus, postgres, running, backends } = tuning;
  const of = { limit: 'its limit', share: 'its share of the machine', machine: 'the whole machine' }[memory.is];
  return lines([
    `${style('strong', escapeTerminal(instance))}  PostgreSQL ${postgres}${running ? '' : ', stopped'}, profile ${profile}, ${disk}`,
    `  ${size(memory.bytes)} of memory (${of}), ${cpus.count} ${cpus.count === 1 ? 'CPU' : 'CPUs'} (${cpus.is === 'quota' ? 'its quota' : 'the machine’s'})`,
    ...(backends === null ? [] : [`  ${size(backends.p95)} per backend, measured over ${backends.backends}`]),
  ]);
}

/** The summary, below the table. */
export function tuningFoot(tuning: Tuning, style: Style): string {
  const { settings, containerSettings, worstCase, usable, memory, fits, warnings, unknown } = tuning;
  const changing = settings.filter(({ changes }) => changes);
  const restarting = changing.filter(({ takes }) => takes !== 'reload').length;
  return lines([
    changing.length === 0
      ? style('good', 'No changes recommended.')
      : `${count(changing.length, 'setting')} to change, ${restarting} of them with a restart.`,
    `At worst ${size(worstCase)} of ${size(usable)} that may be used${
      fits
        ? '.'
        : memory.is === 'machine'
          ? `: ${style('warning', 'more than that in the worst case')}.`
          : `: ${style('error', 'not enough memory')}.`
    }`,
    ...warnings.map((sentence) => `${style('warning', 'warning')}: ${escapeTerminal(sentence)}`),
    ...containerSettings.map(
      ({ name, current, recommended, reason }) =>
        `${style('warning', 'container')}: --${name} ${recommended} instead of ${current}: ${reason}`,
    ),
    ...unknown.map((sentence) => `${style('faint', 'note')}: ${escapeTerminal(sentence)}`),
  ]);
}

export function fleetTable({ instances }: Fleet): Table {
  return {
    columns: [
      { title: 'INSTANCE' },
      { title: 'STATE' },
      { title: 'LIMIT', align: 'right' },
      { title: 'SHARED BUFFERS', align: 'right' },
      { title: 'CONNECTIONS', align: 'right' },
      { title: 'AT WORST', align: 'right' },
      { title: 'SHARE', align: 'right' },
      { title: 'FINDINGS', wraps: 'words' },
    ],
    rows: instances.map((one) => [
      one.instance,
      one.running ? 'running' : 'stopped',
      one.limit === 0 ? 'none' : size(one.limit),
      size(one.sharedBuffers),
      String(one.maxConnections),
      size(one.worstCase),
      `${Math.round(one.share * 100)}%`,
      one.findings.map((finding) => sentences[finding](one)).join('; '),
    ]),
  };
}

const sentences: Readonly<Record<FleetFinding, (of: FleetInstance) => string>> = {
  'no-limit': () => 'no limit, on a machine with other containers',
  'worst-case': ({ usable }) => `worst case above ${size(usable)}, 80% of the limit`,
  'shared-buffers': () => 'shared_buffers above a quarter of the limit',
};

/** The machine, below the table. */
export function fleetFoot({ host, others, instances }: Fleet, style: Style): string {
  const limited = others.filter(({ limit }) => limit > 0);
  const unlimited = others.filter(({ limit }) => limit === 0);
  return lines([
    `Machine: ${size(host.memory)}, of which ${size(host.reserve)} are reserved for itself; containers may use ${size(host.promised)}, ` +
      (host.within
        ? style('good', `${size(host.left)} left`)
        : style('error', `${size(-host.left)} more than available`)),
    ...(limited.length === 0 ? [] : [`Also counted: ${named(limited.map(({ container }) => container))}`]),
    ...(unlimited.length === 0
      ? []
      : [`Without a limit, not counted: ${named(unlimited.map(({ container }) => container))}`]),
    ...instances.flatMap(({ instance, unknown }) =>
      unknown.map((sentence) => `${style('faint', 'note')}: ${escapeTerminal(`${instance}: ${sentence}`)}`),
    ),
  ]);
}

function named(names: readonly string[]): string {
  const shown = names.slice(0, 5).map(escapeTerminal).join(', ');
  return names.length <= 5 ? shown : `${shown} and ${names.length - 5} more`;
}

/** `1.5 GiB`, `271 MiB`. */
export function size(bytes: number): string {
  const [unit, name] = Math.abs(bytes) >= 2 ** 30 ? [2 ** 30, 'GiB'] : [2 ** 20, 'MiB'];
  return `${Math.round((bytes / unit) * 10) / 10} ${name}`;
}

function lines(all: readonly string[]): string {
  return all.map((line) => `${line}\n`).join('');
}
