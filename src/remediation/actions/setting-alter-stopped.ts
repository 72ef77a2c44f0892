import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import type { Instance } from '../../host/instance.ts';
import { saysAutoConf, undoneText, withChanges } from '../../postgres/auto-conf.ts';
import type { Action, ReadonlyHost } from '../contract.ts';
import {
  autoConfOf,
  needInstance,
  settingsSchema,
  settledAutoConf,
  textToPutBack,
  writeAutoConf,
} from './auto-conf-file.ts';
import { describeSettings, effectOf } from './setting.ts';

const params = z.strictObject({ instance: z.string(), settings: settingsSchema(['reload', 'start']) });

const before = z.strictObject({ text: z.string() });

/**
 * Between `container.stop` and `container.start`, for what only a start takes over, and for a server that does not start
 * at all. In this order the way back needs nothing of its own: stop, the old text, start. A server that runs is never
 * left with a file that only its next crash would make it read.
 */
export const settingAlterStopped: Action<z.output<typeof params>, z.output<typeof before>> = {
  name: 'setting.alter-stopped',
  about:
    'Sets or resets settings in postgresql.auto.conf of a server that does not run, as its own user. The old file is kept in the journal; undoing leaves what others have set since.',
  params,
  before,
  operation: { running: 'shared-memory-setting', stopped: 'restart-stopped' },
  describe: ({ instance, settings }) => `${describeSettings(settings)} in postgresql.auto.conf of ${instance}`,
  async effect({ instance, settings }, host) {
    return effectOf(await needInstance(host, instance), settings, host);
  },
  async prepare({ instance }, host) {
    const found = await needInstance(host, instance);
    if (found.dataMount === undefined)
      throw new ProblemsError('step-refused', `The data of ${instance} is in no volume: its file cannot be written.`);
    return { text: await autoConfOf(host, found) };
  },
  async isDone({ instance, settings }, host) {
    return saysAutoConf(await settledAutoConf(host, await needInstance(host, instance)), settings);
  },
  async apply({ instance, settings }, host) {
    const found = await needStopped(host, instance);
    const text = await settledAutoConf(host, found);
    if (!saysAutoConf(text, settings)) await writeAutoConf(host, found, text, withChanges(text, settings));
  },
  async undo({ instance, settings }, { text }, host) {
    const found = await needInstance(host, instance);
    const now = await settledAutoConf(host, found);
    const back = textToPutBack(found, now, text, settings);
    if (now !== back) await writeAutoConf(host, await needStopped(host, instance), now, back);
  },
  async isUndone({ instance, settings }, { text }, host) {
    const now = await settledAutoConf(host, await needInstance(host, instance));
    return undoneText(now, text, settings) === now;
  },
};

async function needStopped(host: ReadonlyHost, name: string): Promise<Instance> {
  const found = await needInstance(host, name);
  if (found.container.state.running) throw new ProblemsError('step-refused', `${found.container.name} runs.`);
  return found;
}
