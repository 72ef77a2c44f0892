import { asideName, type Plan, type ReadonlyHost, type Refusal } from '../../contract.ts';
import type { SettingChanges } from '../../../postgres/auto-conf.ts';
import { bytesOf } from '../../../postgres/settings.ts';
import { refusalToRecreate } from '../../instances/recreate-refusals.ts';
import { keptContainer, recreateSteps } from '../../shared/recreate.ts';
import { commandLineSettings } from '../../shared/server-settings.ts';
import { needsStart, settingSteps } from '../../shared/settings-steps.ts';
import { readableSize } from '../../../postgres/tuning/index.ts';
import { withValues } from './command-line.ts';
import type { MemoryExpected } from './types.ts';
import { refusalToStart, refusalToStop } from './refusals.ts';
import { frameOf, type Task } from './base-plan.ts';

/**
 * Other values: by a reload where that is enough, by a restart where it is not, and by a new container where a value
 * stands on its command line, which goes before every file.
 */
export async function planSettings(
  task: Task,
  changes: SettingChanges,
  host: ReadonlyHost,
): Promise<Plan<MemoryExpected> | Refusal> {
  const { instance, seen } = task;
  const { container } = instance;
  const values = valuesOf(changes);
  const fixed = [...commandLineSettings(container.command).keys()].filter((name) => Object.hasOwn(changes, name));
  const words = Object.entries(changes)
    .map(([name, value]) => (value === null ? `${name} as without ALTER SYSTEM` : `${name} = ${value}`))
    .join(', ');
  const frame = await frameOf(task, host, bytesOf(values['work_mem'] ?? '') ?? task.memory.facts.workMem);
  const why =
    seen.limit === 0
      ? 'It asks for more than the machine has.'
      : `It is to fit into its limit of ${readableSize(seen.limit)}.`;
  const { running } = container.state;
  // One that does not run has nothing to end cleanly; one that the engine keeps restarting cannot.
  const serves = seen.running || !running;
  const downtime = {
    seconds: seen.running ? 4 : 0,
    why: seen.running ? 'PostgreSQL shuts down and starts again.' : `${instance.name} does not answer as it is.`,
  };
  const kept =
    'postgresql.conf is left as it is; a value there that is mounted read-only goes behind the one in postgresql.auto.conf.';
  if (!seen.running || fixed.length > 0 || needsStart(changes)) {
    const unread = await refusalToStart(instance, values, host);
    if (unread !== undefined) return unread;
  }
  if (fixed.length > 0) {
    const refused = await refusalToRecreate(instance, host);
    if (refused !== undefined) return refused;
    const onLine = Object.fromEntries(fixed.map((name) => [name, values[name] ?? '']));
    const rest = Object.fromEntries(Object.entries(changes).filter(([name]) => !Object.hasOwn(onLine, name)));
    return {
      ...frame,
      summary: `Create ${instance.name} again with ${words}: its command line says otherwise, and goes before every file.`,
      steps: recreateSteps({
        instance,
        serves,
        edits: { command: withValues(container.command, onLine) },
        why: 'What stands on the command line cannot be changed in a container that is there.',
        ...(Object.keys(rest).length === 0
          ? {}
          : {
              whileStopped: [
                { action: 'setting.alter-stopped', params: { instance: instance.name, settings: rest }, why },
              ],
            }),
      }),
      leftovers: [keptContainer(container)],
      risk: running ? 'restart' : 'safe',
      downtime,
      unpredictable: [`Whoever made ${container.name} by a script has the old values in it.`],
      undo: `The new container is removed without its volumes, and the old one gets its name and policy back${running ? ' and is started' : ''}.`,
      expected: { ...frame.expected, settings: changes, aside: asideName(container) },
    };
  }
  const restarts = running && (!serves || needsStart(changes));
  if (restarts) {
    const refused = refusalToStop(instance);
    if (refused !== undefined) return refused;
  }
  return {
    ...frame,
    summary: `Set ${words} on ${instance.name}${restarts ? ', with a restart' : running ? ', by a reload' : ', and start it'}.`,
    steps: settingSteps(instance, changes, why, { serves }),
    risk: restarts ? 'restart' : 'safe',
    downtime: restarts || !running ? downtime : { seconds: 0, why: 'A reload interrupts nobody.' },
    unpredictable: [kept],
    undo: `postgresql.auto.conf gets its old text back, to the byte${restarts ? ', between a stop and a start' : ''}.`,
    expected: { ...frame.expected, settings: changes },
  };
}

function valuesOf(changes: SettingChanges): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(changes).flatMap(([name, value]) => (value === null ? [] : [[name, value]])),
  );
}
