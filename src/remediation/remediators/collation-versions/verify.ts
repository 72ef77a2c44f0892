import { isRebuilt } from '../../../migration/index.ts';
import type { Plan, ReadonlyHost, Verification } from '../../contract.ts';
import { lookAt } from './observe.ts';
import type { CollationExpected } from './types.ts';

/** Which of the indexes in `$1` (JSON: objects with `oid` and `name`) are not a new index that queries can use. */
export const unsoundQuery = `SELECT e ->> 'name' AS name FROM pg_catalog.json_array_elements($1::json) AS e
  WHERE NOT ${isRebuilt({ oid: "(e ->> 'oid')", name: "e ->> 'name'" })}`;

/** All versions are the same again, and each index is another one that queries can use. */
export async function verify({ target, expected }: Plan<CollationExpected>, host: ReadonlyHost): Promise<Verification> {
  const instance = await host.instance(target.instance);
  const look = instance === undefined ? undefined : await lookAt(instance, host);
  if (instance === undefined || look === undefined || look.unknown.length > 0) {
    const seen = look?.unknown[0] ?? 'no answer';
    return { result: 'impossible', checks: [{ name: 'it answers a query', ok: false, seen }] };
  }
  const checks = [
    {
      name: 'every version that is in use is the one of the library',
      ok: look.affected.length === 0,
      seen: look.affected.length === 0 ? 'yes' : look.affected.map(({ name }) => name).join(', '),
    },
  ];
  for (const { name: database, indexes } of expected.databases) {
    if (indexes.length === 0) continue;
    const answer = await host.sql.query(instance, unsoundQuery, { database, values: [JSON.stringify(indexes)] });
    const unsound = answer.ok ? answer.rows.map((row) => row['name'] ?? '') : [answer.message];
    checks.push({
      name: `${indexes.length === 1 ? 'the index' : `${indexes.length} indexes`} of ${database} rebuilt`,
      ok: unsound.length === 0,
      seen: unsound.length === 0 ? 'valid and ready' : unsound.join(', '),
    });
  }
  return { result: checks.every(({ ok }) => ok) ? 'verified' : 'not-verified', checks };
}
