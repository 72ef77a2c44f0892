import { setTimeout as sleep } from 'node:timers/promises';
import { errorText } from '../../../util/text.ts';
import type { Instance } from '../../../host/instance.ts';
import type { Plan, ReadonlyHost, Verification } from '../../contract.ts';
import { invalidIndexes, ledgerOf, rowsOf } from './observe.ts';
import type { MigrationExpected } from './types.ts';

type Check = Verification['checks'][number];

const patienceMs = 30_000;

/** Checks as a client: the ledger lists the file, queries can use its index, and no index is invalid. */
export async function verify(plan: Plan<MigrationExpected>, host: ReadonlyHost): Promise<Verification> {
  const until = performance.now() + patienceMs;
  for (;;) {
    try {
      const instance = await host.instance(plan.target.instance);
      if (instance === undefined) throw new Error(`${plan.target.instance} no longer exists.`);
      const checks = await checksOf(plan.expected, instance, host);
      return {
        result: checks.every(({ ok }) => ok) ? 'verified' : 'not-verified',
        answeredAt: new Date().toISOString(),
        checks,
      };
    } catch (error) {
      const seen = errorText(error);
      if (performance.now() > until)
        return { result: 'impossible', checks: [{ name: 'it answers a query', ok: false, seen }] };
      await sleep(500, undefined, { signal: host.signal });
    }
  }
}

async function checksOf(
  { database, version, index }: MigrationExpected,
  instance: Instance,
  host: ReadonlyHost,
): Promise<readonly Check[]> {
  const checks: Check[] = [];
  if (version !== null) {
    const ledger = await ledgerOf(instance, database, host);
    const state = ledger.rows.get(version)?.state ?? 'no row';
    const listed = ledger.versions.has(version);
    checks.push({
      name: `the ledger lists ${version}`,
      ok: listed && (state === 'done' || state === 'no row'),
      seen: `${listed ? 'listed' : 'not listed'}, ${state}`,
    });
  }
  if (index === null) return checks;
  const invalid = await rowsOf(instance, database, host, invalidIndexes);
  checks.push({
    name: `${index} is not invalid`,
    ok: !invalid.some((row) => row['qualified'] === index),
    seen: invalid.length === 0 ? 'no invalid index' : `${invalid.length} invalid`,
  });
  const [row] = await rowsOf(
    instance,
    database,
    host,
    `SELECT (SELECT i.indisvalid AND i.indisready AND i.indislive FROM pg_catalog.pg_index AS i WHERE i.indexrelid = pg_catalog.to_regclass($1)) AS sound`,
    [index],
  );
  const sound = row?.['sound'] ?? null;
  checks.push({
    name: version === null ? `${index} is gone` : `${index} can be used by queries`,
    ok: version === null ? sound === null : sound === 't',
    seen: sound === null ? 'missing' : sound === 't' ? 'valid and ready' : 'invalid',
  });
  return checks;
}
