/**
 * Makes the pictures of the page in `docs/images`, in Chromium, from the sample data of the tests. Run `npm run build` first.
 *
 *   node build/screenshots.ts            those of the docs
 *   node build/screenshots.ts <folder>   every page, wide and narrow, light and dark, to look at
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openBrowser } from '../test/page/browser.ts';
import { servePage } from '../test/page/server.ts';

const root = join(import.meta.dirname, '..');

interface Shot {
  readonly name: string;
  readonly address: string;
  readonly width: number;
  readonly scheme: 'light' | 'dark';
  /** Else the whole page. */
  readonly height?: number;
}

const addresses: Readonly<Record<string, string>> = {
  overview: '',
  instance: 'instances/local/search',
  findings: 'findings/port-reassignment%2Forders%2Fport-taken',
  waiting: 'waiting',
  run: 'runs/01jd-billing-2',
  runs: 'runs',
  registry: 'registry',
  backups: 'backups',
  memory: 'memory',
  learning: 'learning',
  service: 'service',
};

function forDocs(): readonly Shot[] {
  const wide = { width: 1200, height: 760 } as const;
  return [
    { ...wide, name: 'overview', address: '', scheme: 'light' },
    { ...wide, name: 'waiting', address: 'waiting', scheme: 'light' },
  ];
}

function all(): readonly Shot[] {
  return (['light', 'dark'] as const).flatMap((scheme) =>
    [1280, 360].flatMap((width) =>
      Object.entries(addresses).map(([name, address]) => ({
        name: `${name}-${width}-${scheme}`,
        address,
        width,
        scheme,
      })),
    ),
  );
}

const [folder] = process.argv.slice(2);
const to = folder ?? join(root, 'docs/images');
mkdirSync(to, { recursive: true });
const server = await servePage(join(root, 'dist/service/page'));
const browser = await openBrowser();
const page = await browser.context.newPage();
for (const { name, address, width, height, scheme } of folder === undefined ? forDocs() : all()) {
  await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
  await page.setViewportSize({ width, height: height ?? 860 });
  await page.goto('about:blank');
  await page.goto(`${server.url}/#/${address}`);
  await page.locator('h1').waitFor();
  await page.locator('.skeleton').first().waitFor({ state: 'detached' });
  await page.screenshot({ path: join(to, `${name}.png`), fullPage: height === undefined });
}
await browser.close();
await server.close();
