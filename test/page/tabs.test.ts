import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ApiAnswers } from '../../src/service/api.ts';
import { answers } from '../remediation/broken-files.ts';
import { findingOfFiles, type ServedService, servedService } from '../service/running-service.ts';
import { hasChromium, openBrowser } from './browser.ts';

const pageFolder = join(import.meta.dirname, '../../dist/service/page');
const waits = { remediation: { config: { automation: { 'broken-files': 'approve' } } } } as const;

/**
 * Two tabs of one person on the server that users run, with the real engine behind it. No event is sent, so that each tab shows
 * what it last read, as after a night of sleep.
 */
describe.skipIf(!hasChromium && process.env['CI'] === undefined)('two tabs', () => {
  let browser: Awaited<ReturnType<typeof openBrowser>>;
  let served: ServedService;
  let tabs: readonly [Page, Page];

  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(() => browser.close());

  beforeEach(async () => {
    served = await servedService({ ...waits, http: { pageFolder } });
    const asked = await served.ask('/api/v1/remediations', { json: { finding: findingOfFiles, reason: 'a test' } });
    const { run } = (await asked.json()) as ApiAnswers['POST /remediations'];
    if (run === null) throw new Error('there is no run');
    served.show({ openRuns: [run] });
    tabs = [await browser.context.newPage(), await browser.context.newPage()];
    await tabs[0].goto(served.http.url);
    await tabs[0].getByLabel('Token').fill(served.tokens.approve);
    await tabs[0].getByRole('button', { name: 'Sign in' }).click();
    await tabs[0].getByRole('button', { name: 'Sign out' }).waitFor();
    return async () => {
      for (const tab of tabs) await tab.close();
      await served.close();
    };
  });

  const approval = (tab: Page) => tab.getByRole('button', { name: 'Approve for orders' });
  const rollback = (tab: Page) => tab.getByRole('button', { name: 'Roll back' });

  async function openAll(address: string): Promise<void> {
    for (const tab of tabs) await tab.goto(`${served.http.url}/${address}`);
  }

  async function onlyRun(): Promise<ApiAnswers['GET /runs'][number]> {
    const runs = (await (await served.ask('/api/v1/runs')).json()) as ApiAnswers['GET /runs'];
    expect(runs).toHaveLength(1);
    const [run] = runs;
    if (run === undefined) throw new Error('there is no run');
    return run;
  }

  async function ended(outcome: string): Promise<string> {
    await expect.poll(async () => (await onlyRun()).outcome, { timeout: 15_000 }).toBe(outcome);
    return (await onlyRun()).id;
  }

  it('that approve one plan at the same time run it once, and one of them says that it was too late', async () => {
    await openAll('#/waiting');
    for (const tab of tabs) await approval(tab).waitFor();
    const replies = tabs.map((tab) => tab.waitForResponse(/\/approve$/));
    await Promise.all(tabs.map((tab) => approval(tab).click()));
    const statuses = (await Promise.all(replies)).map((reply) => reply.status());
    expect(statuses.toSorted((a, b) => a - b)).toEqual([202, 409]);
    const late = tabs[statuses[0] === 409 ? 0 : 1];
    expect(await late.locator('.outcome').innerText()).toMatch(/just approved|not waiting/);
    await ended('fixed');
    expect(await answers(served.folder)).toEqual(['right', 'right', 'right']);
  });

  it('of which one is stale cannot roll back twice, and a reload shows what is so', async () => {
    await openAll('#/waiting');
    await approval(tabs[0]).click();
    const id = await ended('fixed');
    // The other tab still offers the approval.
    await approval(tabs[1]).click();
    await tabs[1].locator('.outcome').getByText('is not waiting for approval').waitFor();
    served.show({ openRuns: [] });

    await openAll(`#/runs/${id}`);
    for (const tab of tabs) await tab.reload();
    for (const tab of tabs) await rollback(tab).waitFor();
    await rollback(tabs[0]).click();
    await ended('rolled-back');
    expect(await answers(served.folder)).toEqual(['wrong', 'wrong', 'wrong']);
    const refused = tabs[1].waitForResponse(/\/rollback$/);
    await rollback(tabs[1]).click();
    expect((await refused).status()).toBe(409);
    await tabs[1].getByText('nothing to roll back').waitFor();
    expect((await onlyRun()).outcome).toBe('rolled-back');
    await tabs[1].reload();
    await tabs[1].locator('.verdict').getByText('rolled back').waitFor();
    expect(await rollback(tabs[1]).count()).toBe(0);
  });
});
