import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openHost } from '../../../src/app/open-host.ts';
import type { Action, Host, Json } from '../../../src/remediation/contract.ts';
import { changingHost } from '../../../src/remediation/engine/session.ts';
import { openRemediation, type Remediation } from '../../../src/app/remediation.ts';
import { ownIdentity } from '../../../src/host/process-identity.ts';
import type { Run } from '../run.ts';

/** A remediation that sees the run's instances alone. */
export async function openLab(run: Run): Promise<Remediation> {
  const pattern = new RegExp(`^${run.prefix}vrooli-postgres-(.+)$`);
  const backupFolders = [join(run.folder, '.vrooli', 'backups', 'postgres')];
  return openRemediation({ folder: run.folder, host: openHost({ roots: [run.folder], pattern, backupFolders }) });
}

/** The host as actions get it, with a lock held as by a run. */
export async function actingHost(remediation: Remediation, volume = 'test'): Promise<Host> {
  const { session } = remediation;
  const taken = await session.store.locks.take('r-test', [volume], await ownIdentity(), session.at());
  if (!taken.ok) throw new Error('the lock is held');
  const { token } = taken;
  return changingHost(session, {
    id: 'r-test',
    token,
    labels: { 'problems.run': 'r-test', 'problems.token': String(token) },
  });
}

/** What every action promises, asked one after the other. `world` is what it may change and nothing else. */
export async function contractOf(
  action: Action,
  params: Json,
  host: Host,
  world: () => Promise<unknown>,
): Promise<readonly [string, boolean][]> {
  const wanted = action.params.parse(params);
  const answers: [string, boolean][] = [];
  const original = JSON.stringify(await world());
  answers.push(['is not done before', !(await action.isDone(wanted, host, host.run))]);
  const before = action.undoState.parse(JSON.parse(JSON.stringify(await action.prepare(wanted, host))));
  answers.push([
    'changes nothing by preparing and describing',
    original === (await described(action, wanted, host, world)),
  ]);
  await action.beforeInterrupt?.(wanted, host);
  answers.push([
    'changes nothing ahead',
    original === JSON.stringify(await world()) && !(await action.isDone(wanted, host, host.run)),
  ]);
  await action.apply(wanted, host);
  answers.push(['is done after', await action.isDone(wanted, host, host.run)]);
  const once = JSON.stringify(await world());
  answers.push(['has changed something', once !== original]);
  // A process that was killed between effect and record applies again.
  await action.apply(wanted, host);
  answers.push(['applied twice equals once', JSON.stringify(await world()) === once]);
  if (action.undo === undefined) return answers;
  answers.push(['is not undone yet', !(await action.isUndone?.(wanted, before, host))]);
  await action.undo(wanted, before, host);
  answers.push(['is undone', (await action.isUndone?.(wanted, before, host)) !== false]);
  answers.push(['undo restores', JSON.stringify(await world()) === original]);
  await action.undo(wanted, before, host);
  answers.push(['undone twice equals once', JSON.stringify(await world()) === original]);
  return answers;
}

async function described(action: Action, params: Json, host: Host, world: () => Promise<unknown>): Promise<string> {
  await action.effect(params, host);
  action.describe(params);
  return JSON.stringify(await world());
}

export async function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8');
}
