import type { Instance } from '../../host/types.ts';
import type { Step } from '../contract.ts';
import type { SettingChanges } from './auto-conf.ts';
import { knownSetting } from './known-settings.ts';
import { beforehand } from './recreate-steps.ts';

/**
 * The steps that bring settings into force: by ALTER SYSTEM and a reload where all of them allow it, else by a stop, an
 * edit of `postgresql.auto.conf` and a start. The edit stands between the two so that the steps in reverse are the way
 * back: stop, the old text, start; and so that a server which runs never has a file before it that only its next crash
 * would make it read. An instance that is down is edited and started.
 */
export function settingSteps(instance: Instance, settings: SettingChanges, why: string): readonly Step[] {
  const { id, name, state } = instance.container;
  const { unchanged, alone } = beforehand(instance);
  const params = { instance: instance.name, settings };
  if (state.running && !needsStart(settings)) return [{ action: 'setting.alter', params, why, expects: [unchanged] }];
  return [
    ...(state.running
      ? [{ action: 'container.stop', params: { container: id }, expects: [unchanged, alone] } satisfies Step]
      : []),
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
