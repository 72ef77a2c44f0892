import { isValue } from '../../../postgres/settings.ts';
import type { Plan, ReadonlyHost, Verification } from '../../contract.ts';
import type { LimitExpected } from './types.ts';

const setting = 'max_slot_wal_keep_size';

/** The server uses the limit, or the slots are gone. */
export async function verify({ target, expected }: Plan<LimitExpected>, host: ReadonlyHost): Promise<Verification> {
  const instance = await host.instance(target.instance);
  const [sql, values] =
    'keepLimit' in expected
      ? [`SELECT setting, unit FROM pg_catalog.pg_settings WHERE name = '${setting}'`, []]
      : [
          `SELECT coalesce(string_agg(slot_name, ', '), '') AS setting FROM pg_catalog.pg_replication_slots
           WHERE slot_name IN (SELECT json_array_elements_text($1::json))`,
          [JSON.stringify(expected.dropped)],
        ];
  const answer = instance === undefined ? undefined : await host.sql.query(instance, sql, { values });
  const row = answer?.ok === true ? answer.rows[0] : undefined;
  if (row === undefined)
    return { result: 'impossible', checks: [{ name: 'it answers a query', ok: false, seen: 'no answer' }] };
  const seen = row['setting'] ?? '';
  const check =
    'keepLimit' in expected
      ? {
          name: setting,
          ok: isValue(setting, expected.keepLimit, seen, row['unit'] ?? null),
          seen: `${seen || 'unknown'} × ${row['unit'] ?? '1'}`,
        }
      : { name: 'the slots no longer exist', ok: seen === '', seen: seen || 'none of them' };
  return { result: check.ok ? 'verified' : 'not-verified', checks: [check] };
}
