import { isValue } from '../../../postgres/settings.ts';
import type { Plan, ReadonlyHost, Verification } from '../../contract.ts';
import type { LimitExpected } from './types.ts';

const setting = 'max_slot_wal_keep_size';

/** The server uses the limit. */
export async function verify({ target, expected }: Plan<LimitExpected>, host: ReadonlyHost): Promise<Verification> {
  const instance = await host.instance(target.instance);
  const answer =
    instance === undefined
      ? undefined
      : await host.sql.query(
          instance,
          `SELECT setting, unit
           FROM pg_catalog.pg_settings WHERE name = '${setting}'`,
        );
  const row = answer?.ok === true ? answer.rows[0] : undefined;
  if (row === undefined)
    return { result: 'impossible', checks: [{ name: 'it answers a query', ok: false, seen: 'no answer' }] };
  const checks = [
    {
      name: setting,
      ok: isValue(setting, expected.keepLimit, row['setting'] ?? '', row['unit'] ?? null),
      seen: `${row['setting'] ?? 'unknown'} × ${row['unit'] ?? '1'}`,
    },
  ];
  return { result: checks.every(({ ok }) => ok) ? 'verified' : 'not-verified', checks };
}
