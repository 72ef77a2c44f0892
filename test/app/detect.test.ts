import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { detect, wasFullyChecked } from '../../src/app/remediation.ts';
import { readRegistry } from '../../src/registry/parse/read.ts';
import { notFound } from '../../src/remediation/engine/not-found.ts';
import { brokenFolder, openFolder, removeFolder } from '../remediation/broken-files.ts';

let folder = '';
beforeEach(async () => {
  folder = await brokenFolder();
});
afterEach(async () => removeFolder(folder));

describe('detect', () => {
  it('finds what has the id of a finding', async () => {
    const remediation = await openFolder(folder);
    const { findings } = await detect(remediation, { ids: ['broken-files/orders/wrong-text'] });
    expect(findings).toHaveLength(1);
    remediation.close();
  });

  it.each([
    ['broken-files/orders/wrong-txt', 'Did you mean broken-files/orders/wrong-text?'],
    ['ports', 'There are: broken-files/orders/wrong-text.'],
  ])('refuses the id %s, which nothing has', async (id, hint) => {
    const remediation = await openFolder(folder);
    await expect(detect(remediation, { ids: [id] })).rejects.toMatchObject({
      code: 'not-found',
      message: `No problem or finding has the id ${id}.`,
      hint,
    });
    remediation.close();
  });

  it('refuses an unknown remediator and an unknown instance', async () => {
    const remediation = await openFolder(folder);
    await expect(detect(remediation, { remediators: ['broken-file'] })).rejects.toMatchObject({
      code: 'not-found',
      hint: 'Did you mean broken-files?',
    });
    remediation.close();
    const one = await openFolder(folder, { instances: ['ordrs'] });
    await expect(detect(one)).rejects.toMatchObject({ code: 'not-found', message: 'There is no instance ordrs.' });
    one.close();
  });
});

describe('a record', () => {
  it('is not fully checked while another process repairs, or a run is interrupted: nothing may be found in the middle', async () => {
    const text =
      '<!-- EMBED:ACTIVEPROBLEM:START -->\n### Files are wrong\n**Status:** [active]\n<!-- EMBED:ACTIVEPROBLEM:END -->\n';
    const [record] = readRegistry(text, { path: 'PROBLEMS.md', component: 'files' }).records;
    if (record === undefined) throw new Error('The record was not read.');
    const remediation = await openFolder(folder);
    const run = {
      id: 'r1',
      instance: 'orders',
      remediator: 'broken-files',
      phase: 'running',
      startedAt: null,
      pid: 7,
    } as const;
    const detected = { findings: [], notLookedAt: [], lookedAt: [], unmanaged: [] };
    expect(wasFullyChecked(record, { request: {}, detected }, remediation)).toBe(true);
    for (const open of [{ liveRuns: [run] }, { interruptedRuns: [run] }])
      expect(wasFullyChecked(record, { request: {}, detected: { ...detected, ...open } }, remediation)).toBe(false);
    remediation.close();
  });
});

describe('the error for a name that nothing has', () => {
  it('names what was meant, all names if they are few, or where to look', () => {
    const many = Array.from({ length: 20 }, (_, index) => `instance-of-customer-${index}`);
    expect(notFound('x', 'ordrs', ['orders', 'reports']).hint).toBe('Did you mean orders?');
    expect(notFound('x', 'sales', ['orders', 'reports']).hint).toBe('There are: orders, reports.');
    expect(notFound('x', 'sales', many, 'Look there.').hint).toBe('Look there.');
    expect(notFound('x', 'sales', []).hint).toBeUndefined();
    const ids = [...many, 'shop/resources/postgres/port-conflicts'];
    expect(notFound('x', 'postgres/port-conflict', ids).hint).toBe(
      'Did you mean shop/resources/postgres/port-conflicts?',
    );
  });
});
