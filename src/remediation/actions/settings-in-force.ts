import { ProblemsError } from '../../errors.ts';
import type { Instance } from '../../host/instance.ts';
import type { SettingChanges } from '../../postgres/auto-conf.ts';
import { isValue } from '../../postgres/settings.ts';
import type { ReadonlyHost } from '../contract.ts';

/** A value on the command line, of a role or of a database goes before the file: changing the file would do nothing. */
export async function refuseOverridden(
  instance: Instance,
  settings: SettingChanges,
  host: ReadonlyHost,
): Promise<void> {
  for (const { name, source } of await inForce(instance, settings, host)) {
    if (source === 'command line' || source === 'environment variable' || source === 'database' || source === 'user')
      throw new ProblemsError(
        'step-refused',
        `${name} of ${instance.name} comes from the ${source}, which goes before postgresql.auto.conf.`,
      );
  }
}

/** Whether each has this value from `postgresql.auto.conf`; null: its value does not come from there. */
export async function areInForce(instance: Instance, settings: SettingChanges, host: ReadonlyHost): Promise<boolean> {
  const rows = await inForce(instance, settings, host);
  return Object.entries(settings).every(([name, value]) => {
    const row = rows.find((one) => one.name === name);
    if (row === undefined) return value === null;
    const fromAutoConf = row.file.endsWith('/postgresql.auto.conf');
    return value === null ? !fromAutoConf : fromAutoConf && isValue(name, value, row.setting, row.unit);
  });
}

/**
 * Whether the server goes by what stands in the file of these settings: by their values, or, where a person wrote one in
 * a way that only the server reads, by its having read the files since this one was written.
 */
export async function areTakenOver(instance: Instance, values: SettingChanges, host: ReadonlyHost): Promise<boolean> {
  if (await areInForce(instance, values, host)) return true;
  // The time of a file is told in whole seconds.
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
  if (!answer.ok) throw new Error(`${instance.name} does not say its settings: ${answer.message}`);
  return answer.rows.map((row) => ({
    name: row['name'] ?? '',
    setting: row['setting'] ?? '',
    unit: row['unit'] ?? null,
    source: row['source'] ?? '',
    file: row['file'] ?? '',
  }));
}
