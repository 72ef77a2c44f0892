import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { actions, type Host, type Remediation } from '../../../src/app/remediation.ts';
import { logOf } from '../exec.ts';
import { type LabInstance, query, startInstance, waitReady } from '../instance.ts';
import type { Run } from '../run.ts';
import { closeTestRun, labRuns, openTestRun } from '../support.ts';
import { actingHost, openLab } from './host.ts';

const runs = await labRuns();

/** Pages are written only by a requested checkpoint or by the shutdown. */
const settings = { shared_buffers: '256MB', max_wal_size: '8GB', checkpoint_timeout: '1h', bgwriter_lru_maxpages: '0' };

describe.skipIf(!runs)('a stop', () => {
  let run: Run;
  let remediation: Remediation;
  let host: Host;
  beforeAll(async () => {
    run = await openTestRun();
    remediation = await openLab(run);
    host = await actingHost(remediation);
  });
  afterAll(async () => {
    remediation.close();
    await closeTestRun(run);
  });

  const stop = actions.find(({ name }) => name === 'container.stop');

  it('has little to write after a checkpoint, also for a container that was renamed by a recreate', async () => {
    const busy = await startInstance(run, { name: 'busy', storage: 'volume', settings });
    const { container } = busy;
    const params = { container: container.id, timeoutSeconds: 120, clean: true };
    await dirty(busy);
    await stop?.apply(params, host);
    const before = await logOf(container);
    expect(writtenAtShutdown(before)).toBeGreaterThan(10_000);

    await container.start();
    await waitReady(busy);
    await dirty(busy);
    await host.change.docker.rename(container.id, `${busy.containerName}.pgops-old-1`);
    const recreate = actions.find(({ name }) => name === 'container.recreate');
    await recreate?.apply({ from: container.id, name: busy.containerName, edits: {} }, host);
    await stop?.beforeInterrupt?.(params, host);
    await stop?.apply(params, host);
    const log = (await logOf(container)).slice(before.length);
    expect(log.indexOf('checkpoint starting: immediate force wait')).toBeGreaterThan(-1);
    expect(log.indexOf('checkpoint starting: immediate force wait')).toBeLessThan(
      log.indexOf('received fast shutdown request'),
    );
    expect(writtenAtShutdown(log)).toBeLessThan(1_000);
  });

  it('runs no checkpoint before it if the server cannot shut down cleanly, or has stopped', async () => {
    const quiet = await startInstance(run, { name: 'quiet', storage: 'seeded', settings });
    const params = { container: quiet.container.id, timeoutSeconds: 60 };
    await stop?.beforeInterrupt?.({ ...params, clean: false }, host);
    await quiet.container.stop();
    await stop?.beforeInterrupt?.({ ...params, clean: true }, host);
    expect(await logOf(quiet.container)).not.toContain('checkpoint starting: immediate force wait');
  });
});

/** About 160 MB of changed pages in shared_buffers: row by row, since what fills a new table goes round them. */
async function dirty(instance: LabInstance): Promise<void> {
  await query(instance, 'drop table if exists pages');
  await query(instance, 'create table pages (t text)');
  await query(instance, "insert into pages select repeat('x', 1000) from generate_series(1, 140000)");
}

/** Buffers of the last checkpoint in a log that ends with a shutdown. */
function writtenAtShutdown(log: string): number {
  const shutdown = log.slice(log.lastIndexOf('checkpoint starting: shutdown'));
  return Number(/wrote (\d+) buffers/.exec(shutdown)?.[1]);
}
