import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import type { Instance } from '../../host/instance.ts';
import {
  readAutoConf,
  saysAutoConf,
  type SettingChanges,
  undoneText,
  valuesIn,
  withChanges,
} from '../../postgres/auto-conf.ts';
import { isValue, knownSetting, unfitValue } from '../../postgres/settings.ts';
import { quoteLiteral } from '../../util/quote.ts';
import type { Action, Effect, Host, ReadonlyHost } from '../contract.ts';
import { operations } from '../operations.ts';
import { autoConfOf, settledAutoConf, textToPutBack, writeAutoConf } from './auto-conf-file.ts';

/** Less than the step's deadline. */
const timeoutMs = 55_000;

/** Parameters of actions that change settings: names from our list, values within its bounds, null to reset. */
function settingsSchema(applies: readonly ('reload' | 'start')[]) {
  return z
    .record(z.string(), z.string().nullable())
    .refine((settings) => Object.keys(settings).length > 0, 'names no setting')
    .superRefine((settings, context) => {
      for (const [name, value] of Object.entries(settings)) {
        const known = knownSetting(name);
        const unfit =
          known === undefined || !applies.includes(known.applies)
            ? 'is not a setting that can be changed this way'
            : value === null
              ? undefined
              : unfitValue(name, value);
        if (unfit !== undefined) context.addIssue({ code: 'custom', message: `${name} ${unfit}` });
      }
    });
}

export async function requireInstance(host: ReadonlyHost, name: string): Promise<Instance> {
  const instance = await host.instance(name);
  if (instance === undefined) throw new ProblemsError('step-refused', `There is no instance ${name}.`);
  return instance;
}

/**
 * Runs a checkpoint while clients are still served: on a busy server the shutdown checkpoint is most of the time of a
 * stop (docs/engineering/docker-engine.md#stopping).
 * @throws Error with the server's message, if it does not answer or the role may not.
 */
export async function checkpoint(instance: Instance, host: Host): Promise<void> {
  const answer = await host.change.sql.execute(instance, 'CHECKPOINT', { timeoutMs });
  if (!answer.ok) throw new Error(`CHECKPOINT: ${answer.sqlstate ?? ''} ${answer.message}`);
}

/** Refuses settings that the command line, a role or a database overrides: changing the file would have no effect. */
async function refuseOverridden(instance: Instance, settings: SettingChanges, host: ReadonlyHost): Promise<void> {
  for (const { name, source } of await inForce(instance, settings, host)) {
    if (source === 'command line' || source === 'environment variable' || source === 'database' || source === 'user')
      throw new ProblemsError(
        'step-refused',
        `${name} of ${instance.name} is set by the ${source}, which overrides postgresql.auto.conf.`,
      );
  }
}

/** Whether each setting has this value from `postgresql.auto.conf`; null: it must not come from there. */
async function areInForce(instance: Instance, settings: SettingChanges, host: ReadonlyHost): Promise<boolean> {
  const rows = await inForce(instance, settings, host);
  return Object.entries(settings).every(([name, value]) => {
    const row = rows.find((one) => one.name === name);
    if (row === undefined) return value === null;
    const fromAutoConf = row.file.endsWith('/postgresql.auto.conf');
    return value === null ? !fromAutoConf : fromAutoConf && isValue(name, value, row.setting, row.unit);
  });
}

/**
 * Whether the server uses these settings as they are in the file: compares values, or, for a notation that only the
 * server parses, checks that it has loaded its files since this one was written.
 */
async function areTakenOver(instance: Instance, values: SettingChanges, host: ReadonlyHost): Promise<boolean> {
  if (await areInForce(instance, values, host)) return true;
  // File times are in whole seconds.
  const answer = await host.sql.query(
    instance,
    `SELECT (pg_catalog.pg_conf_load_time() >= pg_catalog.date_trunc('second', modification) + interval '1 second')::text AS read
     FROM pg_catalog.pg_stat_file('postgresql.auto.conf')`,
  );
  return answer.ok && answer.rows[0]?.['read'] === 'true';
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
  if (!answer.ok) throw new Error(`cannot read the settings of ${instance.name}: ${answer.message}`);
  return answer.rows.map((row) => ({
    name: row['name'] ?? '',
    setting: row['setting'] ?? '',
    unit: row['unit'] ?? null,
    source: row['source'] ?? '',
    file: row['file'] ?? '',
  }));
}

const settingAlterParams = z.strictObject({ instance: z.string(), settings: settingsSchema(['reload']) });

const before = z.strictObject({ text: z.string() });

/**
 * Done once the server reports the new values: a reload is only a signal, and `pending_restart` can be wrong
 * (docs/engineering/settings.md#precedence).
 */
export const settingAlter: Action<z.output<typeof settingAlterParams>, z.output<typeof before>> = {
  name: 'setting.alter',
  description:
    'Sets or resets settings of a running server with ALTER SYSTEM and a reload. The old file is kept in the journal; undo keeps what others have set since.',
  params: settingAlterParams,
  undoState: before,
  operation: operations['reload-setting'],
  describe: ({ instance, settings }) => `${describeSettings(settings)} on ${instance}, by reload`,
  async effect({ instance, settings }, host) {
    return effectOf(await requireInstance(host, instance), settings, host);
  },
  async prepare({ instance, settings }, host) {
    const found = await requireInstance(host, instance);
    if (found.dataMount === undefined)
      throw new ProblemsError(
        'step-refused',
        `The data of ${instance} is not in a volume, so undo could not restore its file.`,
      );
    await refuseOverridden(found, settings, host);
    return { text: await autoConfOf(host, found) };
  },
  async isDone({ instance, settings }, host) {
    const found = await requireInstance(host, instance);
    return saysAutoConf(await autoConfOf(host, found), settings) && (await areInForce(found, settings, host));
  },
  async apply({ instance, settings }, host) {
    const found = await requireInstance(host, instance);
    const values = readAutoConf(await autoConfOf(host, found));
    for (const [name, value] of Object.entries(settings)) {
      if ((values.get(name) ?? null) === value) continue;
      await must(
        host,
        found,
        value === null ? `ALTER SYSTEM RESET ${name}` : `ALTER SYSTEM SET ${name} = ${quoteLiteral(value)}`,
      );
    }
    await reload(host, found, async () => areInForce(found, settings, host));
  },
  async undo({ instance, settings }, { text }, host) {
    const found = await requireInstance(host, instance);
    const now = await settledAutoConf(host, found);
    await writeAutoConf(host, found, now, textToPutBack(found, now, text, settings));
    const old = valuesIn(text, Object.keys(settings));
    if (found.container.state.running) await reload(host, found, async () => areTakenOver(found, old, host));
  },
  /** Also reloads: with the old file alone the server would keep the new values until the next reload. */
  async isUndone({ instance, settings }, { text }, host) {
    const found = await requireInstance(host, instance);
    const now = await settledAutoConf(host, found);
    if (undoneText(now, text, settings) !== now) return false;
    if (!found.container.state.running) return true;
    try {
      return await areTakenOver(found, valuesIn(text, Object.keys(settings)), host);
    } catch (error) {
      // A server that does not answer cannot confirm it.
      if (error instanceof ProblemsError) throw error;
      return false;
    }
  },
};

/** `work_mem = 4MB, max_wal_size reset`. */
function describeSettings(settings: SettingChanges): string {
  return Object.entries(settings)
    .map(([name, value]) => (value === null ? `reset ${name}` : `set ${name} to ${value === '' ? "''" : value}`))
    .join(', ');
}

/** The current values from the server, or from its file if it does not answer. */
async function effectOf(instance: Instance, settings: SettingChanges, host: ReadonlyHost): Promise<readonly Effect[]> {
  const written = readAutoConf(await autoConfOf(host, instance));
  const rows = await host.sql
    .query(instance, 'SELECT name, pg_catalog.current_setting(name) AS value FROM pg_catalog.pg_settings')
    .catch(() => undefined);
  const shown = new Map(rows?.ok === true ? rows.rows.map((row) => [row['name'], row['value']]) : []);
  return Object.entries(settings).map(([name, value]) => ({
    object: `${instance.name}: ${name}`,
    before: shown.get(name) ?? written.get(name) ?? 'not in postgresql.auto.conf',
    after: value ?? 'reset',
  }));
}

/** Reloads until the server has the values. Retries a server that does not answer: it may be starting up. */
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

const settingAlterStoppedParams = z.strictObject({
  instance: z.string(),
  settings: settingsSchema(['reload', 'start']),
});

/**
 * Between `container.stop` and `container.start`, for settings that need a restart, and for a server that does not start.
 * In this order undo is the same in reverse: stop, old text, start. A running server never has a file that it would only
 * read after a crash.
 */
export const settingAlterStopped: Action<z.output<typeof settingAlterStoppedParams>, z.output<typeof before>> = {
  name: 'setting.alter-stopped',
  description:
    'Sets or resets settings in postgresql.auto.conf of a stopped server, as its own user. The old file is kept in the journal; undo keeps what others have set since.',
  params: settingAlterStoppedParams,
  undoState: before,
  operation: { running: operations['shared-memory-setting'], stopped: operations['restart-stopped'] },
  describe: ({ instance, settings }) => `${describeSettings(settings)} in postgresql.auto.conf of ${instance}`,
  async effect({ instance, settings }, host) {
    return effectOf(await requireInstance(host, instance), settings, host);
  },
  async prepare({ instance }, host) {
    const found = await requireInstance(host, instance);
    if (found.dataMount === undefined)
      throw new ProblemsError(
        'step-refused',
        `The data of ${instance} is not in a volume, so its file cannot be written.`,
      );
    return { text: await autoConfOf(host, found) };
  },
  async isDone({ instance, settings }, host) {
    return saysAutoConf(await settledAutoConf(host, await requireInstance(host, instance)), settings);
  },
  async apply({ instance, settings }, host) {
    const found = await requireStopped(host, instance);
    const text = await settledAutoConf(host, found);
    if (!saysAutoConf(text, settings)) await writeAutoConf(host, found, text, withChanges(text, settings));
  },
  async undo({ instance, settings }, { text }, host) {
    const found = await requireInstance(host, instance);
    const now = await settledAutoConf(host, found);
    const back = textToPutBack(found, now, text, settings);
    if (now !== back) await writeAutoConf(host, await requireStopped(host, instance), now, back);
  },
  async isUndone({ instance, settings }, { text }, host) {
    const now = await settledAutoConf(host, await requireInstance(host, instance));
    return undoneText(now, text, settings) === now;
  },
};

/** @throws ProblemsError `step-refused`: it is running. */
export async function requireStopped(host: ReadonlyHost, name: string): Promise<Instance> {
  const found = await requireInstance(host, name);
  if (found.container.state.running) throw new ProblemsError('step-refused', `${found.container.name} is running.`);
  return found;
}
