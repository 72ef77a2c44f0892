import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { minutesAgo, sampleFinding, sampleInstance, sampleView } from '../service/sample-view.ts';
import { hasChromium, openBrowser } from './browser.ts';
import { firstSteps, type PageServer, servePage } from './server.ts';

const folder = join(import.meta.dirname, '../../dist/service/page');

const addresses = [
  '#/',
  '#/instances/local/search',
  '#/findings/port-reassignment%2Forders%2Fport-taken',
  '#/waiting',
  '#/runs',
  '#/runs/01jd-billing-2',
  '#/runs/01jd-ledger-3',
  '#/registry',
  '#/backups',
  '#/memory',
  '#/learning',
  '#/service',
  '#/nowhere',
] as const;

interface Violation {
  readonly id: string;
  readonly impact: string | null;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

/** With CI set a missing Chromium fails the tests, instead of skipping them. */
describe.skipIf(!hasChromium && process.env['CI'] === undefined)('the page in Chromium', () => {
  let browser: Awaited<ReturnType<typeof openBrowser>>;
  let server: PageServer;
  let page: Page;
  /** Console messages, errors, and requests to other hosts. */
  let noise: string[] = [];

  beforeAll(async () => {
    browser = await openBrowser();
    page = browser.context.pages()[0] ?? (await browser.context.newPage());
    page.setDefaultTimeout(10_000);
    page.on('console', (message) => noise.push(`console: ${message.text()}`));
    page.on('pageerror', (error) => noise.push(`error: ${error.message}`));
    page.on('request', (request) => {
      if (!request.url().startsWith(server.url) && !request.url().startsWith('data:')) noise.push(request.url());
    });
  });
  afterAll(() => browser.close());

  beforeEach(async () => {
    noise = [];
    server = await servePage(folder);
    await page.setViewportSize({ width: 1280, height: 860 });
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
    return async () => {
      await page.goto('about:blank');
      await server.close();
    };
  });

  async function open(address: string): Promise<void> {
    await page.goto('about:blank');
    await page.goto(`${server.url}/${address}`);
    await page.locator('h1').waitFor();
    await page.waitForFunction(() => document.querySelector('.skeleton') === null);
  }

  /** What axe has against the page; `rules` limits it to some rules. */
  async function violations(...rules: readonly string[]): Promise<readonly string[]> {
    const options = JSON.stringify(rules.length === 0 ? {} : { runOnly: rules });
    const { violations: found } = (await page.evaluate(
      `${axe.source}; axe.run(document, { resultTypes: ['violations'], ...${options} })`,
    )) as { readonly violations: readonly Violation[] };
    return found.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary ?? ''}`));
  }

  function tooWide(): Promise<number> {
    return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  }

  it.each(addresses)(
    'has nothing against it by axe in light and dark, no noise and no overflow at %s',
    async (address) => {
      await open(address);
      expect(await violations()).toEqual([]);
      await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
      expect(await violations('color-contrast')).toEqual([]);
      await page.setViewportSize({ width: 360, height: 740 });
      expect(await tooWide()).toBe(0);
      expect(noise).toEqual([]);
    },
  );

  it('says first what is down, then how many answer and when it checks next', async () => {
    await open('#/');
    expect(await page.locator('h1').innerText()).toBe('billing is down');
    expect(await page.locator('.lead').innerText()).toMatch(
      /^5 of 7 instances answer · last look \d+ s ago · next full round \d\d:\d\d UTC$/,
    );
    expect(await page.title()).toBe('(1 down) Overview · problems');
  });

  it('is calm when everything answers', async () => {
    server.view = sampleView({
      instances: ['a', 'b'].map((instance) => sampleInstance({ instance })),
      findings: [],
      openRuns: [],
    });
    await open('#/');
    expect(await page.locator('h1').innerText()).toBe('All 2 instances answer');
  });

  it('never says that all answer when there is none, or one was not checked', async () => {
    server.view = sampleView({ instances: [] });
    await open('#/');
    expect(await page.locator('h1').innerText()).toBe('No instance yet');
    server.view = sampleView({
      instances: [sampleInstance({ status: 'unknown', reason: 'Its engine does not answer.' })],
    });
    await open('#/');
    expect(await page.locator('h1').innerText()).toBe('orders could not be checked');
  });

  it('says that nothing is wrong only when every instance was checked in full', async () => {
    const tile = page.getByRole('link', { name: 'Open findings' });
    server.view = sampleView({ instances: [sampleInstance()], findings: [] });
    await open('#/');
    expect(await tile.innerText()).toContain('nothing is wrong');
    server.view = sampleView({ instances: [sampleInstance({ fullyCheckedAt: null })], findings: [] });
    await open('#/');
    expect(await tile.innerText()).toContain('1 instance not checked in full');
  });

  it.each([
    ['#/memory', ['fleet']],
    ['#/learning', ['stats', 'forecast']],
  ])('says at %s which engine it shows, and shows another one', async (address, answers) => {
    await open(address);
    const choice = page.getByRole('combobox', { name: 'Engine' });
    expect(await choice.inputValue()).toBe('local');
    const asked = answers.map((answer) => page.waitForRequest(`${server.url}/api/v1/${answer}?engine=vault`));
    await choice.selectOption('vault');
    await Promise.all(asked);
    expect(await choice.inputValue()).toBe('vault');
  });

  it('does not ask for an engine where there is one', async () => {
    server.view = sampleView({ engines: sampleView().engines.slice(0, 1) });
    await open('#/memory');
    await page.getByRole('heading', { name: 'Memory budget' }).waitFor();
    expect(await page.getByRole('combobox', { name: 'Engine' }).count()).toBe(0);
  });

  it('loads the other views once the first one is shown, and says so if it cannot', async () => {
    await page.goto('about:blank');
    const loaded = page.waitForRequest(/\/views-[\w-]+\.js$/);
    await page.goto(`${server.url}/#/`);
    await loaded;
    await page.route(/\/views-/, (route) => route.abort());
    await page.goto('about:blank');
    await page.goto(`${server.url}/#/backups`);
    await page.getByText('This view could not be loaded.').waitFor();
    await page.unroute(/\/views-/);
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('heading', { name: 'Backups' }).waitFor();
  });

  it('shows a change as soon as an event tells of it', async () => {
    await open('#/');
    const orders = sampleInstance({ status: 'down', reason: 'It was killed.' });
    server.view = sampleView({ instances: [orders] });
    server.emit({ type: 'instance', instance: orders });
    await page.getByRole('heading', { name: 'orders is down' }).waitFor();
  });

  it('shows a closed finding in a few lines', async () => {
    await open('#/findings');
    const rows = await page.locator('.rows .row').all();
    expect(rows.length).toBeGreaterThan(1);
    for (const row of rows) expect((await row.boundingBox())?.height).toBeLessThan(140);
  });

  it('says that the connection is lost, and asks for what it missed when it is back', async () => {
    await open('#/');
    const orders = sampleInstance();
    server.emit({ type: 'instance', instance: orders });
    await page.waitForTimeout(100);
    server.cut();
    await page.getByText('The connection is lost.').waitFor();
    await page.getByText('The connection is lost.').waitFor({ state: 'detached' });
    expect(server.streams).toEqual(['', 't-1']);
    expect(noise.filter((line) => !line.includes('ERR_INCOMPLETE_CHUNKED_ENCODING'))).toEqual([]);
  });

  it('approves the plan that was shown', async () => {
    await open('#/waiting');
    await page.getByRole('button', { name: 'Approve for orders' }).click();
    await page.waitForFunction(() => location.hash === '#/runs/01jd-orders-1');
    await page.locator('.lead').filter({ hasText: 'orders · running · approved by anna, token laptop' }).waitFor();
    expect(server.asked.map((line) => line.split(' ', 2).join(' '))).toEqual([
      'POST /api/v1/runs/01jd-orders-1/approve',
    ]);
  });

  it('approves nothing when the plan has changed, shows the difference, and approves that on the second click', async () => {
    await open('#/waiting');
    const [first, , last] = firstSteps;
    if (first === undefined || last === undefined) throw new Error('three steps');
    server.steps = [first, { what: 'Create it again with port 5440', undo: null, downtime: true }, last];
    await page.getByRole('button', { name: 'Approve for orders' }).click();
    await page.getByText('Nothing was approved').waitFor();
    expect(await page.locator('.diff').innerText()).toContain('Create it again with port 5437');
    expect(await page.locator('.diff .added').innerText()).toContain('Create it again with port 5440');
    expect(await violations()).toEqual([]);
    await page.getByRole('button', { name: 'Approve for orders' }).click();
    await page.waitForFunction(() => location.hash === '#/runs/01jd-orders-1');
  });

  it('asks for the name of the instance before it overrules a warning', async () => {
    server.despite = ['damage'];
    await open('#/waiting');
    const approve = page.getByRole('button', { name: 'Approve for orders' });
    expect(await approve.isDisabled()).toBe(true);
    await page.getByLabel('Type orders to approve').fill('order');
    expect(await approve.isDisabled()).toBe(true);
    await page.getByLabel('Type orders to approve').fill('orders');
    await approve.click();
    await page.waitForFunction(() => location.hash === '#/runs/01jd-orders-1');
    expect(server.asked.join()).toContain('"despite":["damage"]');
  });

  it('is used with the keyboard alone: a page is opened, and a repair is approved', async () => {
    await open('#/');
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('To the content');
    await focusByTab('Waiting for you');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Waiting for you' }).waitFor();
    await page.waitForFunction(() => document.activeElement?.tagName === 'H1');
    await page.getByRole('button', { name: 'Approve for orders' }).waitFor();
    await focusByTab('Approve for orders');
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement ?? document.body).outlineStyle);
    expect(outline).toBe('solid');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => location.hash === '#/runs/01jd-orders-1');
  });

  async function focusByTab(text: string): Promise<void> {
    for (let presses = 0; presses < 60; presses += 1) {
      const focused = await page.evaluate(() => document.activeElement?.textContent.trim() ?? '');
      if (focused.startsWith(text)) return;
      await page.keyboard.press('Tab');
    }
    throw new Error(`${text} cannot be reached with Tab`);
  }

  it('shows hostile text as text, with what is hidden in it written out', async () => {
    const summary =
      '<script>window.hacked = 1</script></style><img src=x onerror="window.hacked = 1"> \u202egnp.exe\u0007';
    const finding = sampleFinding({
      finding: { summary, evidence: [{ type: 'log', at: minutesAgo(1), text: summary }] },
    });
    server.view = sampleView({ findings: [finding] });
    await open('#/findings/port-reassignment%2Forders%2Fport-taken');
    await page.locator('.evidence').waitFor();
    expect(await page.locator('.what b').innerText()).toBe(
      '<script>window.hacked = 1</script></style><img src=x onerror="window.hacked = 1"> \\u202egnp.exe\\u0007',
    );
    expect(await page.evaluate(() => 'hacked' in globalThis)).toBe(false);
    expect(await page.locator('img').count()).toBe(0);
    expect(noise).toEqual([]);
  });

  it('offers nothing that changes anything when the service is read-only, or the token may only read', async () => {
    server.view = sampleView({ readOnly: true });
    for (const address of [
      '#/',
      '#/waiting',
      '#/service',
      '#/backups',
      '#/findings/port-reassignment%2Forders%2Fport-taken',
    ]) {
      await open(address);
      const names = await page.locator('main button').allInnerTexts();
      expect(
        names.filter((name) => /approve|refuse|check everything|pause|back up|repair|silence|acknowledge/i.test(name)),
      ).toEqual([]);
    }
    server.view = sampleView();
    server.scope = 'read';
    await open('#/waiting');
    expect(await page.getByRole('button', { name: /Approve/ }).count()).toBe(0);
    await page.getByText('Your token may not approve').waitFor();
  });

  it('asks who is not signed in for a token, and says when it is wrong', async () => {
    server.scope = null;
    await open('#/');
    expect(await violations()).toEqual([]);
    await page.getByLabel('Token').fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByText('This token is not known. Check it.').waitFor();
    await page.getByLabel('Token').fill('right');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'billing is down' }).waitFor();
  });

  it('reads out the steps of a run as they happen', async () => {
    await open('#/runs/01jd-billing-2');
    server.emit({
      type: 'remediation',
      event: {
        type: 'step',
        run: '01jd-billing-2',
        index: 1,
        of: 3,
        state: 'applying',
        what: 'Start the new container',
      },
    });
    await page
      .locator('[aria-live]')
      .filter({ hasText: 'Step 2 of 3: Start the new container' })
      .waitFor({ state: 'attached' });
  });
});

describe('the bundle of the page', () => {
  it('is a script of 60 KiB, the views that it loads later, one style sheet and one document', () => {
    const size = (name: string) => statSync(join(folder, name)).size;
    const names = readdirSync(folder).toSorted();
    expect(names.map((name) => name.replace(/-[\w-]{8}\./, '.'))).toEqual([
      'index.html',
      'page.css',
      'page.js',
      'views.js',
    ]);
    const views = names.find((name) => name.startsWith('views')) ?? '';
    expect(size('page.js')).toBeLessThanOrEqual(60 * 1024);
    expect(size('page.js') + size(views)).toBeLessThanOrEqual(84 * 1024);
    expect(size('page.css')).toBeLessThanOrEqual(24 * 1024);
    const html = readFileSync(join(folder, 'index.html'), 'utf8');
    expect(html).not.toMatch(/<script(?![^>]*src=)|<style|https?:\/\/(?!www\.w3\.org)|\son\w+=/);
  });
});
