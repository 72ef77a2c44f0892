import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  approve,
  remediate,
  type Remediation,
  type RemediationOptions,
  type Remediator,
  resume,
  rollback,
  type RunReport,
  runs,
} from '../../../src/app/remediation.ts';
import { run as problems } from '../../cli/run.ts';
import { answers, brokenFiles, brokenFolder, openFolder, removeFolder } from '../broken-files.ts';
import { run } from './processes.ts';

let folder = '';
let opened: Remediation[] = [];
beforeEach(async () => {
  folder = await brokenFolder();
});
afterEach(async () => {
  for (const one of opened) one.close();
  opened = [];
  await removeFolder(folder);
});

async function open(options: Partial<RemediationOptions> = {}): Promise<Remediation> {
  const remediation = await openFolder(folder, options);
  opened.push(remediation);
  return remediation;
}

const failing: Remediator = { ...brokenFiles, verify: async () => ({ result: 'not-verified', checks: [] }) };

/** A run that waits for approval because of the config. */
async function leftTo(automation: 'approve' | 'human'): Promise<RunReport & { readonly id: string }> {
  const remediation = await open({ config: { automation: { 'broken-files': automation } } });
  return only((await remediate(remediation)).runs);
}

function only(reports: readonly RunReport[]): RunReport & { readonly id: string } {
  const [report] = reports;
  if (report === undefined || report.id === null || reports.length !== 1) throw new Error('not one run');
  return { ...report, id: report.id };
}

/** The same state file, opened by a second process that waits between reading and locking until `first` is over. */
function heldUp(remediation: Remediation, first: () => Promise<unknown>): Remediation {
  const { session } = remediation;
  const { store } = session;
  const locks = {
    ...store.locks,
    async take(...args: Parameters<typeof store.locks.take>) {
      await first();
      return store.locks.take(...args);
    },
  };
  return { ...remediation, session: { ...session, store: { ...store, locks } } };
}

describe('a run that two people handle at the same time', { timeout: 60_000 }, () => {
  it('is approved once: the second approval gets the outcome, and rollback still works', async () => {
    const { id } = await leftTo('approve');
    const first = await open();
    const second = heldUp(await open(), async () => run(folder, id));
    await expect(approve(second, id, 'second')).rejects.toMatchObject({
      code: 'bad-usage',
      message: expect.stringContaining('is not waiting for approval (status: fixed)'),
    });
    expect(await runs(first, id)).toMatchObject([{ outcome: 'fixed', approvedBy: 'somebody' }]);
    // What undo needs is still from before the repair.
    expect(await rollback(first, id)).toMatchObject({ outcome: 'rolled-back' });
    expect(await answers(folder)).toEqual(['wrong', 'wrong', 'wrong']);
  });

  it('is not reported as absent by an approval that comes after the fix', async () => {
    const { id } = await leftTo('approve');
    const first = await open();
    const late: Remediator = {
      ...brokenFiles,
      async detect(host) {
        await approve(first, id, 'first');
        return brokenFiles.detect(host);
      },
    };
    await expect(approve(await open({ remediators: [late] }), id, 'second')).rejects.toMatchObject({
      code: 'bad-usage',
    });
    expect(await runs(first, id)).toMatchObject([{ outcome: 'fixed', approvedBy: 'first' }]);
  });

  it('is approved once by three processes that start together', async () => {
    const { id } = await leftTo('approve');
    const ended = await Promise.all([run(folder, id), run(folder, id), run(folder, id)]);
    expect(ended.flatMap(({ outcomes }) => outcomes.map(({ outcome }) => outcome))).toEqual(['fixed']);
    for (const { error } of ended.filter(({ outcomes }) => outcomes.length === 0))
      expect(['bad-usage', 'run-live']).toContain(error);
    const journal = (await open()).session.store;
    const begun = (await journal.audit.list(id)).filter(({ body }) => JSON.stringify(body).includes('preparing'));
    expect(begun.length).toBe(1);
    expect(await answers(folder)).toEqual(['right', 'right', 'right']);
  });

  it('is approved once by two calls in one process', async () => {
    const { id } = await leftTo('approve');
    const remediation = await open();
    const ended = await Promise.allSettled([approve(remediation, id, 'one'), approve(remediation, id, 'two')]);
    expect(ended.filter(({ status }) => status === 'fulfilled').length).toBe(1);
    expect(await runs(remediation, id)).toMatchObject([{ outcome: 'fixed' }]);
  });

  it('is resumed once: the second resume reports that the run has ended', async () => {
    await run(folder, 'remediate', 'step 1 is applied');
    const first = await open();
    const [{ id } = { id: '' }] = await runs(first);
    const second = heldUp(await open(), async () => run(folder, 'resume'));
    await expect(resume(second, id)).rejects.toMatchObject({
      code: 'bad-usage',
      message: `Run ${id} has ended: fixed.`,
    });
    expect(await runs(first, id)).toMatchObject([{ phase: 'ended', outcome: 'fixed' }]);
  });

  it('is undone once', async () => {
    const first = await open();
    const { id } = only((await remediate(first)).runs);
    const second = heldUp(await open(), async () => run(folder, 'rollback'));
    await expect(rollback(second, id)).rejects.toMatchObject({ code: 'bad-usage' });
    expect(await runs(first, id)).toMatchObject([{ phase: 'ended', outcome: 'rolled-back' }]);
    expect(await answers(folder)).toEqual(['wrong', 'wrong', 'wrong']);
  });
});

describe('approving a run', { timeout: 30_000 }, () => {
  it('decides cases that the config leaves to operators, and reports what it overrules', async () => {
    const { id } = await leftTo('human');
    const overruled: string[] = [];
    const remediation = await open({ config: { automation: { 'broken-files': 'human' } } });
    const report = await approve(remediation, id, 'somebody', { onOverruled: (reasons) => overruled.push(...reasons) });
    expect(report).toMatchObject({ outcome: 'fixed' });
    expect(overruled).toEqual(['the config says human']);
    expect((await remediation.session.store.audit.list(id)).find(({ event }) => event === 'approved')).toMatchObject({
      body: { by: 'somebody', overruled },
    });
  });

  it('is refused while everything is paused, even if the pause came after the plan', async () => {
    const { id } = await leftTo('approve');
    await writeFile(join(folder, '.problems', 'paused'), '');
    await expect(approve(await open(), id, 'somebody', { despite: ['damage', 'failures'] })).rejects.toMatchObject({
      code: 'step-refused',
      message: expect.stringContaining('paused'),
    });
    await rm(join(folder, '.problems', 'paused'));
    expect(await approve(await open(), id, 'somebody')).toMatchObject({ outcome: 'fixed' });
  });

  it('is refused for an operation that never runs automatically, with any acknowledgement', async () => {
    const path = join(folder, 'never.ts');
    const from = JSON.stringify(join(import.meta.dirname, '..', 'two-files.ts'));
    const text = [
      `import { replaceBoth, remediators } from ${from};`,
      `import { operations } from ${JSON.stringify(join(import.meta.dirname, '../../../src/remediation/operations.ts'))};`,
      "const actions = [{ ...replaceBoth, operation: operations['share-volume'] }];",
      'export default { apiVersion: 1, remediators, actions };',
    ];
    await writeFile(path, text.join('\n'));
    const remediation = await open({ remediators: [], plugins: ['./never.ts'] });
    const report = only((await remediate(remediation, { yes: true, automation: 'auto' })).runs);
    expect(report).toMatchObject({ outcome: 'planned', automation: 'human' });
    expect(await readFile(report.dossier ?? '', 'utf8')).not.toContain('problems approve');
    await expect(
      approve(remediation, report.id, 'somebody', { despite: ['damage', 'failures'] }),
    ).rejects.toMatchObject({ code: 'step-refused', message: expect.stringContaining('never runs automatically') });
    expect(await answers(folder)).toEqual(['wrong', 'wrong', 'wrong']);
  });

  it('requires an acknowledgement for a repair that failed twice', async () => {
    const remediation = await open({ remediators: [failing] });
    for (let round = 0; round < 2; round += 1) await remediate(remediation);
    const { id } = only((await remediate(remediation)).runs);
    const again = await open();
    await expect(approve(again, id, 'somebody')).rejects.toMatchObject({
      code: 'step-refused',
      message: expect.stringContaining('failed on orders 2 times'),
      hint: expect.stringContaining(`problems approve ${id} --despite-failures`),
    });
    expect(await answers(folder)).toEqual(['wrong', 'wrong', 'wrong']);
    expect(await approve(again, id, 'somebody', { despite: ['failures'] })).toMatchObject({ outcome: 'fixed' });
  });

  it('requires an acknowledgement for data that may be damaged, and a lifted suspension', async () => {
    const damaged: Remediator = {
      ...brokenFiles,
      async detect(host) {
        const { findings, notLookedAt } = await brokenFiles.detect(host);
        const [first] = findings;
        const damage = { id: 'broken-files/orders/damage', kind: 'damage', corruption: true } as const;
        return { findings: first === undefined ? [] : [first, { ...first, ...damage }], notLookedAt };
      },
    };
    const remediation = await open({ remediators: [damaged] });
    const reports = (await remediate(remediation, { yes: true, automation: 'auto' })).runs;
    const id = reports.find(({ finding }) => finding === 'broken-files/orders/wrong-text')?.id ?? '';
    const { suspensions } = remediation.session.store;
    await expect(approve(remediation, id, 'somebody', { despite: ['damage'] })).rejects.toMatchObject({
      hint: expect.stringContaining('problems runs lift orders'),
    });
    await suspensions.lift('orders', remediation.session.at());
    await expect(approve(remediation, id, 'somebody')).rejects.toMatchObject({
      message: expect.stringContaining('may be damaged'),
      hint: expect.stringContaining(`problems runs lift orders --yes, then problems approve ${id} --despite-damage`),
    });
    await suspensions.lift('orders', remediation.session.at());
    expect(await answers(folder)).toEqual(['wrong', 'wrong', 'wrong']);
    expect(await approve(remediation, id, 'somebody', { despite: ['damage'] })).toMatchObject({ steps: [{}, {}, {}] });
    expect(await answers(folder)).toEqual(['right', 'right', 'right']);
    // The approval does not cover the next run.
    expect(await suspensions.get('orders')).toBeDefined();
  });
});

describe('the commands of an escalation report', { timeout: 60_000 }, () => {
  it.for([
    ['the config leaves the run to a person', { automation: { 'broken-files': 'human' } }, [], 'the config says human'],
    ['the repair has failed before', {}, ['--despite-failures'], 'broken-files has failed on orders 2 times'],
    ['the instance was suspended', {}, [], undefined],
  ] as const)('continue the run when %s', async ([when, config, flags, overruled]) => {
    await writeConfig();
    const remediation = await open({
      remediators: [],
      plugins: ['./plugin.ts'],
      config,
    });
    if (flags.length > 0) {
      const trying = await open({ remediators: [failing], config: { attemptsPerDay: 2 } });
      for (let round = 0; round < 2; round += 1) await remediate(trying);
    }
    if (when.includes('suspended'))
      await remediation.session.store.suspensions.add('orders', 'undoing run r1 failed', remediation.session.at());
    const { id, dossier } = only((await remediate(remediation)).runs);
    const commands = [...(await readFile(dossier ?? '', 'utf8')).matchAll(/^problems (.+)$/gm)].map(([, words]) =>
      (words ?? '').split(' '),
    );
    expect(commands.at(-1)).toEqual(['approve', id, ...flags]);
    const changing = commands.filter(([name]) => name === 'approve' || name === 'runs');
    const ran = [];
    for (const command of changing) ran.push(await problems([...command, '--trust-config'], { cwd: folder }));
    for (const [index, { code, stderr }] of ran.entries())
      expect(code, `${changing[index]?.join(' ')}: ${stderr}`).toBe(0);
    if (overruled !== undefined) expect(ran.at(-1)?.stderr).toContain(`Approved despite: ${overruled}`);
    expect(await answers(folder)).toEqual(['right', 'right', 'right']);
  });
});

/** The config of the folder, as the command line reads it. */
async function writeConfig(): Promise<void> {
  const from = JSON.stringify(join(import.meta.dirname, '..', 'broken-files.ts'));
  await writeFile(
    join(folder, 'plugin.ts'),
    `import { brokenFiles } from ${from};\nexport default { apiVersion: 1, remediators: [brokenFiles] };\n`,
  );
  await writeFile(join(folder, 'problems.config.json'), JSON.stringify({ plugins: ['./plugin.ts'] }));
}
