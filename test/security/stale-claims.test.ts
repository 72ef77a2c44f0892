import { once } from 'node:events';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { remediate, resume, runs } from '../../src/app/remediation.ts';
import { ownIdentity } from '../../src/host/process-identity.ts';
import { openSqliteStore } from '../../src/remediation/store/sqlite/store.ts';
import { answers, brokenFolder, openFolder, removeFolder } from '../remediation/broken-files.ts';
import { begin } from '../remediation/engine/processes.ts';

let folder = '';
beforeEach(async () => {
  folder = await brokenFolder();
});
afterEach(async () => removeFolder(folder));

/** A process of another PID namespace: only its heartbeat tells whether it is alive. */
async function elsewhere() {
  return { ...(await ownIdentity()), machine: 'another machine' };
}

/** A run that ended, as any repair leaves it, and that this test can lock again. */
async function endedRun(): Promise<string> {
  const remediation = await openFolder(folder);
  const { runs: made } = await remediate(remediation);
  remediation.close();
  return made[0]?.id ?? '';
}

const long = '2020-01-01T00:00:00.000Z';

describe('a process whose run was taken over', { timeout: 120_000 }, () => {
  it.each(['change', 'changeFrom', 'goBack', 'step', 'keep'] as const)(
    'writes nothing more to the journal: %s',
    async (write) => {
      const id = await endedRun();
      const file = join(folder, '.problems', 'state.db');
      const sleeper = await openSqliteStore(file);
      const other = await openSqliteStore(file);
      const old = await sleeper.locks.take(id, ['volume'], await elsewhere(), long);
      const at = new Date().toISOString();
      const taken = await other.locks.take(id, ['volume'], await ownIdentity(), at);
      if (!old.ok || !taken.ok) throw new Error('not taken');
      const before = await other.runs.get(id);
      const claim = { id, token: old.token };
      const written = {
        change: () => sleeper.runs.change(claim, { phase: 'running' }, at),
        changeFrom: () => sleeper.runs.changeFrom(claim, ['ended'], { phase: 'running' }, at),
        goBack: () => sleeper.runs.goBack(claim, { class: 'interrupted', message: 'late' }, at, 0),
        step: () => sleeper.runs.step(claim, 0, 'applying', at),
        keep: () => sleeper.runs.keep(claim, 0, 'late'),
      }[write];
      const kept = await other.runs.kept(id, 0);
      await expect(written()).rejects.toMatchObject({ code: 'lock-held' });
      // Nor after the other one has ended the run and released its locks.
      await other.locks.release(id, taken.token);
      await expect(written()).rejects.toMatchObject({ code: 'lock-held' });
      expect(await other.runs.get(id)).toEqual(before);
      expect(await other.runs.kept(id, 0)).toEqual(kept);
      sleeper.close();
      other.close();
    },
  );
});

describe('a process that is stopped while another one ends its run', { timeout: 120_000 }, () => {
  it.each(['step 1 is applied', 'phase verifying begins', 'phase cleaning begins'])(
    'leaves it ended when it goes on, and a later resume undoes nothing: %s',
    async (point) => {
      const sleeper = begin(folder, 'remediate', `stop:${point}`);
      await once(sleeper.process.stdout ?? sleeper.process, 'data');
      await moveOwner(join(folder, '.problems', 'state.db'));
      // For the other process, the last heartbeat is more than a minute ago.
      const later = await openFolder(folder, { now: () => new Date(Date.now() + 300_000) });
      expect(await resume(later)).toMatchObject([{ outcome: 'fixed' }]);
      const ended = await runs(later);
      sleeper.process.kill('SIGCONT');
      expect((await sleeper.ended).outcomes).toMatchObject([{ failure: { class: 'conflict' } }]);
      expect(await runs(later)).toEqual(ended);
      expect(await resume(later)).toEqual([]);
      expect(await answers(folder)).toEqual(['right', 'right', 'right']);
      later.close();
    },
  );
});

/** As if the owner ran in another PID namespace, where only its heartbeat tells whether it is alive. */
async function moveOwner(file: string): Promise<void> {
  const database = new DatabaseSync(file);
  for (const table of ['runs', 'locks'])
    database.exec(`UPDATE ${table} SET owner = json_set(owner, '$.machine', 'another machine')`);
  database.close();
  // As the process on that machine would have signed it.
  const store = await openSqliteStore(file);
  await store.held.accept(new Date().toISOString());
  store.close();
}
