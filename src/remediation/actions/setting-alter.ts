import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import type { Instance } from '../../host/types.ts';
import type { Action, Effect, Host, ReadonlyHost } from '../contract.ts';
import { readAutoConf, saysAutoConf, type SettingChanges } from '../instances/auto-conf.ts';
import { isValue } from '../instances/known-settings.ts';
import { autoConfOf, needInstance, settingsSchema, writeAutoConf } from './auto-conf-file.ts';

const params = z.strictObject({ instance: z.string(), settings: settingsSchema(['reload']) });
const before = z.strictObject({ text: z.string() });

/** Done once the server itself says so: a reload is only a signal, and `pending_restart` can be a lie (PGOPS §0.7). */
export const settingAlter: Action<z.output<typeof params>, z.output<typeof before>> = {
  name: 'setting.alter',
  about:
    'Sets or resets settings of a server that runs, by ALTER SYSTEM and a reload. The old file is kept in the journal.',
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
    await reload(host, found);
    const until = performance.now() + 15_000;
    while (!(await areInForce(found, settings, host)) && performance.now() < until)
      await sleep(100, undefined, { signal: host.signal });
  },
  async undo({ instance }, { text }, host) {
    const found = await needInstance(host, instance);
    await writeAutoConf(host, found, await autoConfOf(host, found), text);
    if (found.container.state.running) await reload(host, found);
  },
  async isUndone({ instance }, { text }, host) {
    return (await autoConfOf(host, await needInstance(host, instance))) === text;
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

/** A value on the command line, of a role or of a database goes before the file: changing the file would do nothing. */
async function refuseOverridden(instance: Instance, settings: SettingChanges, host: ReadonlyHost): Promise<void> {
  for (const { name, source } of await inForce(instance, settings, host)) {
    if (source === 'command line' || source === 'environment variable' || source === 'database' || source === 'user')
      throw new ProblemsError(
        'step-refused',
        `${name} of ${instance.name} comes from the ${source}, which goes before postgresql.auto.conf.`,
      );
  }
}

async function areInForce(instance: Instance, settings: SettingChanges, host: ReadonlyHost): Promise<boolean> {
  const rows = await inForce(instance, settings, host);
  return Object.entries(settings).every(([name, value]) => {
    const row = rows.find((one) => one.name === name);
    if (row === undefined) return false;
    const fromAutoConf = row.file.endsWith('/postgresql.auto.conf');
    return value === null ? !fromAutoConf : fromAutoConf && isValue(name, value, row.setting, row.unit);
  });
}

interface InForce {
  readonly name: string;
  readonly setting: string;
  readonly unit: string | null;
  readonly source: string;
  readonly file: string;
}

async function inForce(instance: Instance, settings: SettingChanges, host: ReadonlyHost): Promise<readonly InForce[]> {
  const answer = await host.sql.query(
    instance,
    `SELECT name, setting, unit, source, coalesce(sourcefile, '') AS file FROM pg_catalog.pg_settings
     WHERE name = ANY (pg_catalog.string_to_array($1, ','))`,
    { values: [Object.keys(settings).join(',')] },
  );
  if (!answer.ok) throw new Error(`${instance.name} does not say its settings: ${answer.message}`);
  return answer.rows.map((row) => ({
    name: row['name'] ?? '',
    setting: row['setting'] ?? '',
    unit: row['unit'] ?? null,
    source: row['source'] ?? '',
    file: row['file'] ?? '',
  }));
}

async function reload(host: Host, instance: Instance): Promise<void> {
  await must(host, instance, 'SELECT pg_catalog.pg_reload_conf()');
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
