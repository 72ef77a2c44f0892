import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrateInstances, plan, openRemediation, tune } from '../../../src/app/remediation.ts';
import { startInstance } from '../instance.ts';
import { writeMigrations } from '../migration/open-migrating.ts';
import type { Run } from '../run.ts';
import { closeTestRun, labRuns, openTestRun } from '../support.ts';
import { openMemory } from '../remediators/open-remediator.ts';

const MiB = 2 ** 20;
const limit = { Memory: 256 * MiB, MemorySwap: 256 * MiB };
const tooLarge = { shared_buffers: '1GB' };

describe.skipIf(!(await labRuns()))('an instance', { timeout: 180_000 }, () => {
  let run: Run;
  beforeAll(async () => {
    run = await openTestRun();
  });
  afterAll(async () => closeTestRun(run));

  it('can be planned for if its password is a common word of plans, which is redacted only as a password', async () => {
    const password = 'container';
    const host = { Memory: 256 * MiB, MemorySwap: 256 * MiB };
    const words = await startInstance(run, { name: 'words', storage: 'volume', settings: tooLarge, host, password });
    const remediation = await openMemory(run);
    const { proposals } = await plan(remediation);
    expect(proposals).toMatchObject([
      { plan: { type: 'plan', steps: [{ params: { container: expect.any(String) } }] } },
    ]);
    const said = `POSTGRES_PASSWORD=${password} postgres://app:${password}@h/d`;
    expect(remediation.session.redact.text(said)).toBe('POSTGRES_PASSWORD=[redacted] postgres://app:[redacted]@h/d');
    remediation.close();
    await words.container.remove({ force: true });
  });

  it('is refused if two containers have its name, and the error names both', async () => {
    // Not by a label, which would make it an instance of every test that runs at the same time.
    const containers = `^${run.prefix}vrooli-postgres-(?:old-)?(.+)$`;
    const settings = { storage: 'seeded', port: false } as const;
    await startInstance(run, { ...settings, name: 'twin' });
    await startInstance(run, { ...settings, name: 'old-twin', settings: tooLarge, host: limit });
    const both = `Several instances are named twin: ${run.prefix}vrooli-postgres-old-twin and ${run.prefix}vrooli-postgres-twin.`;

    const config = { containers, settings: { memory: { loadSeconds: 0, raise: 'never' } } };
    const memory = await openMemory(run, {}, { config });
    expect((await plan(memory)).proposals).toMatchObject([{ plan: { type: 'refusal', reason: both } }]);
    memory.close();

    const remediation = await openRemediation({
      folder: run.folder,
      config: { containers },
      onlyLooking: true,
    });
    await expect(tune(remediation, { instance: 'twin' })).rejects.toThrow(both);
    await writeMigrations(run, 'app', { '001_a.sql': 'select 1;\n' });
    await expect(
      migrateInstances(remediation, { folder: `${run.folder}/migrations/app`, instances: ['twin'] }),
    ).rejects.toThrow(both);
    remediation.close();
  });
});
