import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, lchown, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { writeVerification } from '../../../src/backups/sidecar-files.ts';
import { userStateFolder } from '../../../src/host/user-key.ts';
import { type Remediation, resume, runs as journal } from '../../../src/app/remediation.ts';
import { soak } from '../../soak.ts';
import { startInstance } from '../instance.ts';
import { backupFolder } from '../project.ts';
import type { Run } from '../run.ts';
import { createRun, labRuns } from '../support.ts';
import { type BackupWork, openRequests, submitWork } from './open-backups.ts';

describe.skipIf(!(await labRuns()))('a process that is killed', { concurrent: true, timeout: 900_000 }, () => {
  it('while it removes backups leaves a run that resume ends, and every good backup that must stay', async (test) => {
    const run = await createRun(test);
    const settings = { expire: ['many/1', 'many/2'] };
    await layGood(run, ['1', '2', '3', '4']);
    const { points, outcomes } = await child(run, settings);
    expect(outcomes).toEqual(['fixed']);
    expect(await lying(run, 'many')).toEqual(['3', '4']);
    const chosen = ['step 0 is applied', 'step 1 is journalled', 'phase cleaning begins', 'step 2 is applied'];
    expect(points).toEqual(expect.arrayContaining(chosen));
    for (const point of soak ? points : chosen) {
      await rm(join(run.folder, '.problems'), { recursive: true });
      await layGood(run, ['1', '2', '3', '4']);
      expect((await child(run, settings, point)).signal, point).toBe('SIGKILL');
      expect(await lying(run, 'many'), point).toEqual(expect.arrayContaining(['3', '4']));
      expect(await ending(run, settings), point).toBe('fixed');
      expect(await lying(run, 'many'), point).toEqual(['3', '4']);
      expect(await readdir(join(dirname(backupFolder(run, 'many', 'x')), '.expired')), point).toEqual([]);
    }
  });

  it('while it takes a backup leaves no partial backup, and resume takes a complete one', async (test) => {
    const run = await createRun(test);
    await startInstance(run, { name: 'shop', storage: 'seeded' });
    const settings = { take: { instance: 'shop', backup: 'first', drill: false } };
    for (const point of ['step 0 is journalled+900', 'step 0 is applied']) {
      expect((await child(run, settings, point)).signal, point).toBe('SIGKILL');
      expect(await ending(run, settings), point).toBe('fixed');
      expect(await readdir(dirname(backupFolder(run, 'shop', 'x'))), point).toEqual(['first']);
      const host = (await openRequests(run)).session.reader;
      expect(await host.backups.read('shop/first'), point).toMatchObject({ state: 'complete', reached: 'L3' });
      await rm(join(run.folder, '.problems'), { recursive: true });
      await rm(backupFolder(run, 'shop', 'first'), { recursive: true });
    }
  });
});

/** Only root can write to read-only folders; the program runs both as root and as other users. */
const users = [
  ['root', undefined],
  ['somebody else', 65_534],
] as const;

describe.skipIf(!(await labRuns()) || process.getuid?.() !== 0)(
  'a quarantined backup',
  { concurrent: true, timeout: 300_000 },
  () => {
    it.for(users)('is finally removed by %s', async ([, uid], test) => {
      test.skip(uid !== undefined && !mayRun(uid), 'this checkout is not readable by others');
      const run = await createRun(test);
      await laySetAside(run, uid);
      expect(await child(run, removing, '', uid)).toMatchObject({ outcomes: ['fixed'] });
      expect(await places(run)).toEqual({ lying: ['1', '2'], aside: [], expired: [] });
    });

    it.for(users)('returns to a read-only quarantine if %s undoes the removal', async ([, uid], test) => {
      test.skip(uid !== undefined && !mayRun(uid), 'this checkout is not readable by others');
      const run = await createRun(test);
      await laySetAside(run, uid);
      for (const point of ['step 0 is journalled', 'step 0 is applied', 'phase verifying begins']) {
        expect((await child(run, removing, point, uid)).signal, point).toBe('SIGKILL');
        expect(await child(run, removing, 'rollback', uid), point).toMatchObject({ outcomes: ['rolled-back'] });
        expect(await places(run), point).toEqual({ lying: ['1', '2'], aside: ['old'], expired: [] });
        const { mode } = await stat(join(dirname(backupFolder(run, 'many', 'x')), '.quarantined', 'old'));
        expect((mode & 0o777).toString(8), point).toBe('500');
        await rm(join(run.folder, '.problems'), { recursive: true });
      }
    });

    it('is not confused with a sound backup of the same name', async (test) => {
      const run = await createRun(test);
      await laySetAside(run, undefined);
      await layGood(run, ['old']);
      expect(await child(run, removing)).toMatchObject({ outcomes: ['failed'] });
      expect(await places(run)).toEqual({ lying: ['1', '2', 'old'], aside: ['old'], expired: [] });
    });
  },
);

function mayRun(uid: number): boolean {
  const script = `require('node:fs').accessSync(${JSON.stringify(import.meta.filename)})`;
  return spawnSync(process.execPath, ['-e', script], { uid, gid: uid }).status === 0;
}

const removing = { expire: ['many/old'] };

/** Two good backups, and one that the program has quarantined. */
async function laySetAside(run: Run, uid: number | undefined): Promise<void> {
  await layGood(run, ['1', '2', 'old']);
  const remediation = await openRequests(run);
  const { reader, host } = remediation.session;
  const old = await reader.backups.read('many/old');
  if (old === undefined) throw new Error('it is not there');
  await host.changer.backups.quarantine(old, 'it does not restore');
  remediation.close();
  if (uid === undefined) return;
  await rm(join(run.folder, '.problems'), { recursive: true, force: true });
  // The key with which the proofs are signed, as this user's own.
  await mkdir(join(stateOf(run), 'problems'), { recursive: true, mode: 0o700 });
  await copyFile(join(userStateFolder(), 'key'), join(stateOf(run), 'problems', 'key'));
  for (const name of ['', ...(await readdir(run.folder, { recursive: true })).toSorted()])
    await lchown(join(run.folder, name), uid, uid);
}

function stateOf(run: Run): string {
  return join(run.folder, '.state');
}

async function places(run: Run): Promise<Readonly<Record<'lying' | 'aside' | 'expired', readonly string[]>>> {
  const owner = dirname(backupFolder(run, 'many', 'x'));
  const names = async (below: string): Promise<readonly string[]> => readdir(join(owner, below)).catch(() => []);
  return {
    lying: (await lying(run, 'many')).toSorted(),
    aside: await names('.quarantined'),
    expired: await names('.expired'),
  };
}

interface Ended {
  readonly signal: string | null;
  readonly points: readonly string[];
  readonly outcomes: readonly string[];
}

async function engineGroup(): Promise<number> {
  const { DOCKER_HOST = 'unix:///var/run/docker.sock' } = process.env;
  return (await stat(DOCKER_HOST.replace('unix://', ''))).gid;
}

/** Runs as the user of the tests, or as another user with access to the engine. */
async function child(run: Run, settings: BackupWork, point = '', uid?: number): Promise<Ended> {
  const script = join(import.meta.dirname, 'request-child.ts');
  const started = spawn(process.execPath, [script, run.folder, run.prefix, JSON.stringify(settings), point], {
    stdio: ['ignore', 'pipe', 'inherit'],
    ...(uid === undefined
      ? {}
      : { uid, gid: await engineGroup(), env: { ...process.env, XDG_STATE_HOME: stateOf(run) } }),
  });
  const [said, [, signal]] = await Promise.all([text(started.stdout), once(started, 'close')]);
  return { points: [], outcomes: [], ...(said === '' ? {} : JSON.parse(said)), signal };
}

/** The outcome of the newest run, resumed if it has not ended; a run that was killed before its plan is started again. */
async function ending(run: Run, settings: BackupWork): Promise<string | null | undefined> {
  const remediation: Remediation = await openRequests(run);
  try {
    const reports = await resume(remediation);
    if (reports.length > 0) return reports.length === 1 ? reports[0]?.outcome : 'several';
    const [newest] = await journal(remediation);
    if (newest?.phase === 'ended') return newest.outcome;
    return (await submitWork(remediation, settings))[0]?.outcome;
  } finally {
    remediation.close();
  }
}

async function layGood(run: Run, names: readonly string[]): Promise<void> {
  const check = { level: 'L4', result: 'passed', at: '2026-01-01T00:00:00Z', says: [], ms: 1 } as const;
  const proof = { schemaVersion: 1, checks: [check], files: [], filesAt: '', filesBy: 'completion' } as const;
  for (const name of names) {
    const folder = backupFolder(run, 'many', name);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'full.sql'), '-- PostgreSQL database dump\n');
    await writeVerification(folder, `many/${name}`, proof);
  }
}

async function lying(run: Run, instance: string): Promise<readonly string[]> {
  const names = await readdir(dirname(backupFolder(run, instance, 'x')));
  return names.filter((name) => !name.startsWith('.')).sort();
}
