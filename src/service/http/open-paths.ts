import type { HttpBindings } from '@hono/node-server';
import type { Hono } from 'hono';
import { html } from 'hono/html';
import { z } from 'zod';
import { contextFor, inEngine, type OperationContext, type OperationSettings } from '../operations/context.ts';
import { fileAnswer, type PageFiles } from './page-files.ts';
import { refusal } from './refusals.ts';
import { bodyOf, inTime } from './requests.ts';
import { requireOwnPage, requireScope, type SignIn } from './sign-in.ts';

export interface OpenPaths {
  readonly operations: OperationSettings;
  readonly signIn: SignIn;
  readonly page: PageFiles;
  readonly metrics: (() => Promise<string>) | undefined;
  /** Whether /metrics is there for everyone: only this machine can ask. */
  readonly openMetrics: boolean;
}

/** What needs no token: health, the page's files, and signing in. */
export function openPaths(
  app: Hono<{ Bindings: HttpBindings }>,
  { operations, signIn, page, metrics, openMetrics }: OpenPaths,
): void {
  app.get('/healthz', (c) => c.json({ status: 'ok' }));
  app.get('/readyz', async (c) => {
    const reasons = await inTime(notReady(contextFor(operations, 'readyz')));
    return c.json({ ready: reasons.length === 0, reasons }, reasons.length === 0 ? 200 : 503);
  });
  app.get('/metrics', async (c) => {
    if (!openMetrics) requireScope(signIn.identify(c), 'read');
    if (metrics === undefined) throw refusal(404, 'not-found', 'There are no metrics.');
    return c.body(await metrics(), 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
  });
  app.get('/login', (c) => {
    const once = c.req.query('once');
    return loginPage(once !== undefined && /^[\w-]{1,200}$/.test(once) ? once : undefined);
  });
  app.post('/login', async (c) => {
    const isForm = c.req.header('content-type')?.startsWith('application/x-www-form-urlencoded') === true;
    if (c.req.header('origin') === undefined) throw refusal(403, 'forbidden', 'A sign-in needs the header Origin.');
    const given = isForm ? await c.req.parseBody() : await bodyOf(c);
    const { data } = z.object({ token: z.string().min(1).max(200) }).safeParse(given);
    const caller = data === undefined ? undefined : signIn.enter(c, data.token.trim());
    if (caller === undefined) {
      const sentence = 'This token is not known, or it was used.';
      if (isForm) return loginPage(undefined, sentence);
      throw refusal(401, 'not-signed-in', sentence, '`problems tokens add <name>` makes one.');
    }
    return isForm ? c.redirect('/', 303) : c.json({ name: caller.name, scope: caller.scope });
  });
  app.post('/logout', (c) => {
    requireOwnPage(c, signIn.identify(c));
    signIn.leave(c);
    return c.json({});
  });
  for (const [path, file] of page) app.get(path, (c) => fileAnswer(file, c.req.header('if-none-match')));
}

/** A full round every five minutes: two that are missing are no accident. */
const staleMs = 15 * 60_000;

/** Why the service is not ready, one sentence each. Empty: journal, engine and last round are in order. */
async function notReady(context: OperationContext): Promise<readonly string[]> {
  const { state, engines, lastRound } = context.service.view();
  const reasons: string[] = [];
  if (state !== 'running') reasons.push(`The service is ${state}.`);
  if (!engines.some(({ reachable }) => reachable)) reasons.push('No Docker engine answers.');
  if (lastRound?.endedAt === undefined || lastRound.endedAt === null) reasons.push('No round has ended yet.');
  else if (lastRound.failure !== null) reasons.push('The last round failed.');
  else if (context.now().getTime() - Date.parse(lastRound.endedAt) > staleMs)
    reasons.push(`The last round ended at ${lastRound.endedAt}.`);
  try {
    await inEngine(context, undefined, ({ session }) => session.store.runs.list({ limit: 1 }));
  } catch {
    reasons.push('The journal cannot be read.');
  }
  return reasons;
}

/**
 * The page behind the one-time link, for browsers with and without JavaScript. Opening it uses nothing up, since mail programs
 * and browsers open links ahead: the button does.
 */
async function loginPage(once: string | undefined, failure?: string): Promise<Response> {
  const field =
    once === undefined
      ? html`<p>
          <label
            >Token <input name="token" type="password" autocomplete="off" required maxlength="200" autofocus
          /></label>
        </p>`
      : html`<input name="token" type="hidden" value="${once}" />`;
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        <title>Sign in · problems</title>
        <link rel="stylesheet" href="/page.css" />
      </head>
      <body class="sign-in">
        <main>
          <h1>problems</h1>
          ${failure === undefined ? '' : html`<p role="alert">${failure}</p>`}
          <p>
            ${once === undefined ? 'Sign in with a token of this service.' : 'This link signs in one browser, once.'}
          </p>
          <form method="post" action="/login">
            ${field}
            <p><button type="submit">Sign in</button></p>
          </form>
        </main>
      </body>
    </html>`;
  const status = failure === undefined ? 200 : 401;
  return new Response((await page).toString(), { status, headers: { 'content-type': 'text/html; charset=utf-8' } });
}
