import { serviceOf } from '../../../compose/project.ts';
import { editCommand, editSize, type SizeKey } from '../../../compose/settings.ts';
import type { Instance } from '../../../host/instance.ts';
import type { SettingChanges } from '../../../postgres/auto-conf.ts';
import { readableSize } from '../../../postgres/tuning/index.ts';
import type { Plan, ReadonlyHost, Refusal, Step } from '../../contract.ts';
import { type ComposeChange, planComposeChange } from '../../shared/compose.ts';
import { refusal } from '../../shared/for-each-instance.ts';
import { recordsToKeep, refusalToRecreate } from '../../shared/recreate.ts';
import { needsStart } from '../../shared/settings-steps.ts';
import type { frameOf } from './plan-values.ts';
import type { MemoryExpected } from './types.ts';

/** What needs a new container is changed in the files of the instance's Compose project. */

type Frame = Awaited<ReturnType<typeof frameOf>>;

interface Task {
  readonly instance: Instance;
  /** Whether the server runs: a container in a restart loop has none. */
  readonly seen: { readonly running: boolean };
}

interface Wanted extends Pick<ComposeChange, 'key' | 'edit' | 'inWords' | 'why'> {
  readonly summary: string;
  readonly done: string;
  readonly expected: Partial<MemoryExpected>;
  readonly first?: readonly Step[];
}

/** Sets a size of the service. */
export async function planSizeInCompose(
  task: Task,
  { key, from, to }: { readonly key: SizeKey; readonly from: number; readonly to: number },
  frame: Frame,
  host: ReadonlyHost,
): Promise<Plan<MemoryExpected> | Refusal> {
  const { name, container } = task.instance;
  const what = key === 'mem_limit' ? 'memory limit' : '/dev/shm';
  const words = `from ${readableSize(from)} to ${readableSize(to)}`;
  return planOf(
    task,
    {
      key,
      edit: (sources) => editSize(sources, serviceOf(container.labels)?.service ?? '', key, to),
      inWords: `set ${key} of ${name} to ${to} bytes`,
      why: 'Compose creates the container from its files, so the size is changed there.',
      summary: `Raise the ${what} of ${name} ${words} in the files of its Compose project, with a restart.`,
      done: `${what} of ${name} raised ${words}`,
      expected: key === 'mem_limit' ? { limit: to } : { shmSize: to },
    },
    frame,
    host,
  );
}

export interface CommandChange {
  readonly changes: SettingChanges;
  /** Names of settings that the command line sets. */
  readonly fixed: readonly string[];
  readonly words: string;
  readonly why: string;
}

/** Changes settings on the command line of the service, and the others with a reload before that. */
export async function planCommandInCompose(
  task: Task,
  { changes, fixed, words, why }: CommandChange,
  frame: Frame,
  host: ReadonlyHost,
): Promise<Plan<MemoryExpected> | Refusal> {
  const { name, container } = task.instance;
  const onLine = Object.fromEntries(fixed.map((setting) => [setting, changes[setting] ?? '']));
  const rest = Object.fromEntries(Object.entries(changes).filter(([setting]) => !Object.hasOwn(onLine, setting)));
  const hasRest = Object.keys(rest).length > 0;
  if (hasRest && (needsStart(rest) || !task.seen.running))
    return refusal(
      `${container.name} belongs to a Compose project whose files set ${fixed.join(', ')}, and other settings have to change with ${fixed.length === 1 ? 'it' : 'them'} while the server is down.`,
      `Set ${words} in the command of the service, then run: docker compose up -d`,
    );
  return planOf(
    task,
    {
      key: 'command',
      edit: (sources) => editCommand(sources, serviceOf(container.labels)?.service ?? '', onLine),
      inWords: `set ${words} in the command of ${name}`,
      why: `The command line overrides every file of the server, and Compose creates it from its own. ${why}`,
      summary: `Set ${words} on ${name} in the files of its Compose project, with a restart.`,
      done: `${words} set on ${name}`,
      expected: { settings: changes },
      ...(hasRest ? { first: [{ action: 'setting.alter', params: { instance: name, settings: rest }, why }] } : {}),
    },
    frame,
    host,
  );
}

async function planOf(
  task: Task,
  { key, edit, inWords, why, summary, done, expected, first = [] }: Wanted,
  frame: Frame,
  host: ReadonlyHost,
): Promise<Plan<MemoryExpected> | Refusal> {
  const { instance, seen } = task;
  const refused = await refusalToRecreate(instance, host, { editsCompose: true });
  if (refused !== undefined) return refused;
  const { unchanged, alone } = recordsToKeep(instance, seen.running || !instance.container.state.running);
  const change = await planComposeChange({ ...instance, key, edit, inWords, why, expects: [unchanged, alone] }, host);
  if (change.type === 'refusal') return change;
  const { running } = instance.container.state;
  return {
    ...frame,
    summary,
    done,
    steps: [...first, change.step],
    risk: running ? 'restart' : 'safe',
    downtime: {
      seconds: seen.running ? 6 : 0,
      why: seen.running ? 'PostgreSQL restarts in a new container.' : `${instance.name} is already down.`,
    },
    unpredictable: change.notes,
    undo: `The file is restored, and Compose creates the container as it says${running ? ' and starts it' : ''}.`,
    expected: { ...frame.expected, ...expected, composeHash: change.hash },
  };
}
