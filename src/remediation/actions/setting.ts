import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import type { Instance } from '../../host/instance.ts';
import { readAutoConf, saysAutoConf, type SettingChanges, undoneText, valuesIn } from '../../postgres/auto-conf.ts';
import type { Action, Effect, Host, ReadonlyHost } from '../contract.ts';
import {
  autoConfOf,
  needInstance,
  settingsSchema,
  settledAutoConf,
  textToPutBack,
  writeAutoConf,
} from './auto-conf-file.ts';
import { areInForce, areTakenOver, refuseOverridden } from './settings-in-force.ts';

const params = z.strictObject({ instance: z.string(), settings: settingsSchema(['reload']) });

const before = z.strictObject({ text: z.string() });

/** Done once the server itself says so: a reload is only a signal, and `pending_restart` can be a lie (PGOPS §0.7). */
export const settingAlter: Action<z.output<typeof params>, z.output<typeof before>> = {
  name: 'setting.alter',
  about:
    'Sets or resets settings of a server that runs, by ALTER SYSTEM and a reload. The old file is kept in the journal; undoing leaves what others have set since.',
  params,
  before,
  operation: 'reload-setting',
  describe: ({ instance, settings }) => `${describeSettings(settings)} on ${instance}, by reload`,
  async effect({ instance, settings }, host) {
    return effectOf(await needInstance(host, instance), settings, host);
  },
  async prepare({ instance, settings }, host) {
    const found = await needInstance(host, instance);
    if (found.dataMount === undefined)
      throw new ProblemsError(
        'step-refused',
        `The data of ${instance} is in no volume: its file could not be put back.`,
      );
    await refuseOverridden(found, settings, host);
    return { text: await autoConfOf(host, found) };
  },
  async isDone({ instance, settings }, host) {
    const found = await needInstance(host, instance);
    return saysAutoConf(await autoConfOf(host, found), settings) && (await areInForce(found, settings, host));
  },
  async apply({ instance, settings }, host) {
    const found = await needInstance(host, instance);
    const values = readAutoConf(await autoConfOf(host, found));
    for (const [name, value] of Object.entries(settings)) {
      if ((values.get(name) ?? null) === value) continue;
      await must(
        host,
        found,
        value === null ? `ALTER SYSTEM RESET ${name}` : `ALTER SYSTEM SET ${name} = ${literal(value)}`,
      );
    }
    await reload(host, found, async () => areInForce(found, settings, host));
  },
  async undo({ instance, settings }, { text }, host) {
    const found = await needInstance(host, instance);
    const now = await settledAutoConf(host, found);
    await writeAutoConf(host, found, now, textToPutBack(found, now, text, settings));
    const old = valuesIn(text, Object.keys(settings));
    if (found.container.state.running) await reload(host, found, async () => areTakenOver(found, old, host));
  },
  /** By the server too: with the old file alone it would go on with the new values until somebody reloads it. */
  async isUndone({ instance, settings }, { text }, host) {
    const found = await needInstance(host, instance);
    const now = await settledAutoConf(host, found);
    if (undoneText(now, text, settings) !== now) return false;
    if (!found.container.state.running) return true;
    try {
      return await areTakenOver(found, valuesIn(text, Object.keys(settings)), host);
    } catch (error) {
      // It does not answer, so it does not say so.
      if (error instanceof ProblemsError) throw error;
      return false;
    }
  },
};

/** `work_mem = 4MB, max_wal_size reset`. */
export function describeSettings(settings: SettingChanges): string {
  return Object.entries(settings)
    .map(([name, value]) => (value === null ? `reset ${name}` : `set ${name} to ${value === '' ? "''" : value}`))
    .join(', ');
}

/** What the server says now, or, of one that does not answer, its file. */
export async function effectOf(
  instance: Instance,
  settings: SettingChanges,
  host: ReadonlyHost,
): Promise<readonly Effect[]> {
  const written = readAutoConf(await autoConfOf(host, instance));
  const rows = await host.sql
    .query(instance, 'SELECT name, pg_catalog.current_setting(name) AS value FROM pg_catalog.pg_settings')
    .catch(() => undefined);
  const shown = new Map(rows?.ok === true ? rows.rows.map((row) => [row['name'], row['value']]) : []);
  return Object.entries(settings).map(([name, value]) => ({
    object: `${instance.name}: ${name}`,
    before: shown.get(name) ?? written.get(name) ?? 'not in postgresql.auto.conf',
    after: value ?? 'as without ALTER SYSTEM',
  }));
}

/** Reloads until the server says so. One that does not answer is asked again: it may be starting, and reads the file then. */
async function reload(host: Host, instance: Instance, isSo: () => Promise<boolean>): Promise<void> {
  const until = performance.now() + 15_000;
  for (;;) {
    try {
      await must(host, instance, 'SELECT pg_catalog.pg_reload_conf()');
      const again = performance.now() + 1_100;
      while (performance.now() < again) {
        if (await isSo()) return;
        await sleep(100, undefined, { signal: host.signal });
      }
      if (performance.now() > until) return;
    } catch (error) {
      if (error instanceof ProblemsError || performance.now() > until) throw error;
      await sleep(500, undefined, { signal: host.signal });
    }
  }
}

async function must(host: Host, instance: Instance, sql: string): Promise<void> {
  const answer = await host.change.sql.execute(instance, sql);
  if (!answer.ok) throw new Error(`${instance.name}: ${answer.message}`);
}

/** The value is one line within bounds; the name is one of our list. */
function literal(value: string): string {
  return value.includes('\\')
    ? `E'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
    : `'${value.replaceAll("'", "''")}'`;
}
