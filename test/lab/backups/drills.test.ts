import { appendFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { soak } from '../../soak.ts';
import { query, startInstance } from '../instance.ts';
import { createRun, labRuns } from '../support.ts';
import { addVariety, startPgbench } from './load.ts';
import { instanceNamed, openRunHost } from './open-backups.ts';

/** A hundred rounds of each version, or as many as `PROBLEMS_DRILLS` says. Otherwise taking.test.ts makes the one that there is. */
const rounds = Number(process.env['PROBLEMS_DRILLS'] ?? (soak ? 100 : 0));

describe.skipIf(!(await labRuns()) || rounds === 0)('repeated backups under pgbench', () => {
  it.for([15, 17] as const)(
    `of PostgreSQL %i: all ${rounds} are taken while clients write, and restores equal their source`,
    { timeout: 180_000 + rounds * 120_000 },
    async (postgres, test) => {
      const run = await createRun(test, { postgres });
      const bank = await startInstance(run, { name: 'bank', storage: 'seeded' });
      await addVariety(bank);
      const load = await startPgbench(bank);
      test.onTestFinished(async () => load.end().catch(() => undefined));
      const host = openRunHost(run);
      const instance = await instanceNamed(host, 'bank');
      let last = '-1';
      for (let round = 1; round <= rounds; round += 1) {
        const name = `round-${round}`;
        const began = performance.now();
        await host.changer.backups.take({ instance, name, labels: {} });
        const took = performance.now() - began;
        const backup = await host.reader.backups.read(`bank/${name}`);
        if (backup === undefined) throw new Error(`${name} is not there`);
        const { checks } = await host.reader.backups.check(backup, { instance, upTo: round % 10 === 0 ? 'L5' : 'L4' });
        expect(checks.filter(({ result }) => result !== 'passed')).toEqual([]);
        const said = checks.find(({ level }) => level === 'L4')?.says.join(' ') ?? '';
        expect(said).toContain("equal the source at the dump's snapshot");
        expect(said).not.toContain('could not be read');
        const prints = await host.reader.backups.fingerprints(backup);
        const history = prints?.databases[0]?.tables['public.pgbench_history']?.sum ?? '';
        // The clients kept writing: no two backups have the same rows.
        expect(history).not.toBe(last);
        last = history;
        const drilled = checks.find(({ level }) => level === 'L4')?.ms ?? 0;
        await note(`${postgres} ${round} take ${Math.round(took)} ms, drill ${drilled} ms, ${backup.bytes} bytes`);
        // Makes room by deleting expired ones.
        await host.changer.backups.expire(backup);
        await host.changer.backups.removeExpired('bank', name);
      }
      const [sums = ''] = await query(
        bank,
        'select (select sum(abalance) from pgbench_accounts) = (select sum(delta) from pgbench_history)',
      );
      expect(sums).toBe('t');
    },
  );
});

/** Measurements of a long run, for docs/backups.md. */
async function note(line: string): Promise<void> {
  const path = process.env['PROBLEMS_FIGURES'];
  if (path !== undefined) await appendFile(path, `${line}\n`);
}
