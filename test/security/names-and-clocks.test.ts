import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { plan, remediate } from '../../src/app/remediation.ts';
import { ownIdentity } from '../../src/host/process-identity.ts';
import { openSqliteStore } from '../../src/remediation/store/sqlite/store.ts';
import { answers, brokenFiles, brokenFolder, openFolder, removeFolder } from '../remediation/broken-files.ts';

let folder = '';
beforeEach(async () => {
  folder = await brokenFolder();
});
afterEach(async () => removeFolder(folder));

/** The usual problem, of an instance whose container gave it this name. */
function ofInstance(name: string): typeof brokenFiles {
  return {
    ...brokenFiles,
    async detect(host) {
      const found = await brokenFiles.detect(host);
      return { ...found, findings: found.findings.map((finding) => ({ ...finding, instance: name })) };
    },
    async plan(finding, host) {
      const made = await brokenFiles.plan(finding, host);
      return made.type === 'plan' ? { ...made, target: { ...made.target, instance: name } } : made;
    },
  };
}

describe('an instance whose name every object inherits', { timeout: 60_000 }, () => {
  it.each(['constructor', 'toString', '__proto__', 'hasOwnProperty'])(
    'gets the decision and the repair of any other instance: %s',
    async (name) => {
      const usual = await openFolder(folder);
      const [wanted] = (await plan(usual)).proposals;
      usual.close();
      const remediation = await openFolder(folder, { remediators: [ofInstance(name)] });
      const [proposal] = (await plan(remediation)).proposals;
      expect(proposal?.decision).toEqual(wanted?.decision);
      expect((await remediate(remediation)).runs).toMatchObject([{ instance: name, outcome: 'fixed' }]);
      expect(await answers(folder)).toEqual(['right', 'right', 'right']);
      remediation.close();
    },
  );
});

describe('a clock that was set back', () => {
  it('does not keep the locks of an owner whose last heartbeat now lies in the future', async () => {
    const other = await mkdtemp(join(tmpdir(), 'problems-clock-'));
    const store = await openSqliteStore(join(other, 'state.db'));
    const owner = await ownIdentity();
    const elsewhere = { ...owner, machine: 'another machine' };
    const at = '2026-01-01T00:00:00.000Z';
    expect(await store.locks.take('run', ['volume'], elsewhere, '2040-01-01T00:00:00.000Z')).toMatchObject({
      ok: true,
    });
    expect(await store.locks.take('run', ['volume'], owner, at)).toMatchObject({ ok: true });
    // One that has just written is alive, even if its clock is a little ahead.
    expect(await store.locks.take('two', ['data'], elsewhere, '2026-01-01T00:00:10.000Z')).toMatchObject({ ok: true });
    expect(await store.locks.take('two', ['data'], owner, at)).toMatchObject({ ok: false });
    store.close();
    await rm(other, { recursive: true });
  });
});
