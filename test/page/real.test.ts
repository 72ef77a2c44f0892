import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiAnswers } from '../../src/service/api.ts';
import { findingOfFiles, type ServedService, servedService } from '../service/running-service.ts';
import { minutesAgo, sampleInstance } from '../service/sample-view.ts';
import { hasChromium, openBrowser } from './browser.ts';

const pageFolder = join(import.meta.dirname, '../../dist/service/page');
const waits = { remediation: { config: { automation: { 'broken-files': 'approve' } } } } as const;

/** The server that users run, with the real engine behind it; only the host is a folder of files. */
describe.skipIf(!hasChromium && process.env['CI'] === undefined)('the page on the real server', () => {
  let browser: Awaited<ReturnType<typeof openBrowser>>;
  let served: ServedService;
  let page: Page;
  const noise: string[] = [];

  beforeAll(async () => {
    served = await servedService({ ...waits, http: { pageFolder } });
    browser = await openBrowser();
    page = browser.context.pages()[0] ?? (await browser.context.newPage());
    page.setDefaultTimeout(15_000);
    page.on('console', (message) => noise.push(`console: ${message.text()}`));
    page.on('pageerror', (error) => noise.push(`error: ${error.message}`));
    page.on('request', (request) => {
      if (!/^(?:data:|about:)/.test(request.url()) && !request.url().startsWith(served.http.url))
        noise.push(request.url());
    });
  });
  afterAll(async () => {
    await browser.close();
    await served.close();
  });

  it('signs in, shows what is there, and follows the events', async () => {
    await page.goto(served.http.url);
    await page.getByLabel('Token').fill(served.tokens.approve);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'orders answers' }).waitFor();
    const orders = sampleInstance({ status: 'down', reason: 'It was killed.', since: minutesAgo(0) });
    served.show({ instances: [orders] });
    served.emit({ type: 'instance', instance: orders });
    await page.getByRole('heading', { name: 'orders is down' }).waitFor();
    // Before the sign-in the page asks who is signed in, and Chromium notes the answer 401.
    expect(noise.filter((line) => !line.includes('status of 401'))).toEqual([]);
  });

  it('shows the tasks of the registry, the policy and the tokens as the server answers them', async () => {
    await page.goto(`${served.http.url}/#/registry`);
    await page.locator('.waterfall').waitFor();
    await page.getByText('What would move it up one place').waitFor();
    await page.goto(`${served.http.url}/#/service`);
    await page.getByRole('heading', { name: 'Tokens' }).waitFor();
    expect(await page.locator('.failed').count()).toBe(0);
  });

  it('plans a repair, is asked for it, and approves what was shown to its end', async () => {
    await page.goto(`${served.http.url}/#/findings/${encodeURIComponent(findingOfFiles)}`);
    await page.getByText('What a repair would do').waitFor();
    await page.locator('.steps').waitFor();
    await page.getByRole('button', { name: 'Ask for repair' }).click();
    await page.waitForFunction(() => location.hash.startsWith('#/runs/'));
    const id = decodeURIComponent(await page.evaluate(() => location.hash.slice('#/runs/'.length)));
    const answer = (await (await served.ask(`/api/v1/runs/${id}`)).json()) as ApiAnswers['GET /runs/:id'];
    expect(answer.run.phase).toBe('awaiting-approval');
    served.show({ openRuns: [answer.run] });
    await page.goto(`${served.http.url}/#/waiting`);
    await page.reload();
    await page.getByRole('button', { name: 'Approve for orders' }).click();
    await page.waitForFunction(() => location.hash.startsWith('#/runs/'));
    await expect
      .poll(
        async () => {
          served.emit({ type: 'run-ended', run: id, remediator: 'broken-files', outcome: 'fixed', downtimeSeconds: 0 });
          return page.locator('.verdict').innerText();
        },
        { timeout: 20_000 },
      )
      .toContain('fixed');
    expect(await page.locator('.lead').innerText()).toContain('approved by anna');
    expect(noise.filter((line) => !line.includes('status of 401'))).toEqual([]);
  });

  it('signs out', async () => {
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  });
});
