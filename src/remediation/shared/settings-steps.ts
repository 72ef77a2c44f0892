import type { Instance } from '../../host/instance.ts';
import type { SettingChanges } from '../../postgres/auto-conf.ts';
import { knownSetting } from '../../postgres/settings.ts';
import type { Step } from '../contract.ts';
import { beforehand, stopStep } from './recreate.ts';

/**
 * The steps that bring settings into force: by ALTER SYSTEM and a reload where all of them allow it, else by a stop, an
 * edit of `postgresql.auto.conf` and a start. The edit stands between the two so that the steps in reverse are the way
 * back: stop, the old text, start; and so that a server which runs never has a file before it that only its next crash
 * would make it read. An instance that is down is edited and started. `serves`, default true, is false of one that the
 * engine starts again and again.
 */
export function settingSteps(
  instance: Instance,
  settings: SettingChanges,
  why: string,
  { serves = true }: { readonly serves?: boolean } = {},
): readonly Step[] {
  const { id, name, state } = instance.container;
  const { unchanged, alone } = beforehand(instance, serves);
  const params = { instance: instance.name, settings };
  if (state.running && serves && !needsStart(settings))
    return [{ action: 'setting.alter', params, why, expects: [unchanged] }];
  return [
    ...(state.running ? [stopStep(instance, serves, [unchanged, alone])] : []),
    {
      action: 'setting.alter-stopped',
      params,
      why,
      expects: [{ check: 'container', ref: id, running: false, name }],
    },
    {
      action: 'container.start',
      params: { container: id },
      expects: [{ check: 'container', ref: id, running: false, name }],
    },
  ];
}

/** Whether any of the settings is taken over only by a start. */
export function needsStart(settings: SettingChanges): boolean {
  return Object.keys(settings).some((name) => knownSetting(name)?.applies === 'start');
}
