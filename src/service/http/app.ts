import type { HttpBindings } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import { contextFor, redacted } from '../operations/context.ts';
import type { McpOverHttp } from '../mcp/over-http.ts';
import type { EventHub } from './events.ts';
import { onlyOwnNames, onlySmallBodies, withHeaders } from './guard.ts';
import { type OpenPaths, openPaths } from './open-paths.ts';
import { answerOf, refusal } from './refusals.ts';
import { bodyOf, idempotency, inTime } from './requests.ts';
import type { Route } from './route.ts';
import { openApi, routesFor } from './routes.ts';
import type { OwnNames } from './settings.ts';
import { requireOwnPage, requireScope, type SignIn } from './sign-in.ts';

export interface AppParts extends OpenPaths {
  readonly readOnly: boolean;
  readonly names: () => OwnNames;
  readonly events: EventHub;
  readonly mcp: () => Promise<McpOverHttp>;
  readonly onError: (error: unknown) => void;
}

interface Env {
  Bindings: HttpBindings;
}

export function createApp(parts: AppParts): Hono<Env> {
  const { operations, readOnly, names, signIn, onError } = parts;
  const app = new Hono<Env>();
  app.onError((error) => answerOf(error, onError));
  app.notFound(() => refusal(404, 'not-found', 'There is nothing at this path.').getResponse());
  app.use(withHeaders());
  app.use(onlyOwnNames(names));
  app.use(onlySmallBodies());
  openPaths(app, parts);
  const answers = idempotency(operations.now);
  const served = routesFor(readOnly);

  async function answer(c: Context<Env>, route: Route): Promise<Response> {
    const caller = signIn.identify(c);
    requireScope(caller, route.scope);
    if (route.method === 'POST') requireOwnPage(c, caller);
    const rest = route.method === 'POST' ? await bodyOf(c) : c.req.query();
    const input = { ...rest, ...c.req.param() };
    const context = { ...contextFor(operations, caller.name), caller, readOnly };
    const header = route.method === 'POST' ? c.req.header('idempotency-key') : undefined;
    const key = header === undefined ? undefined : `${caller.name}\n${header}`;
    const work = async (): Promise<unknown> => redacted(context, await route.handle(context, input));
    const value = await inTime(answers.once(key, [route.path, input], work));
    return c.body(JSON.stringify(value), route.status, { 'content-type': 'application/json; charset=utf-8' });
  }
  for (const route of served) app.on(route.method, `/api/v1${route.path}`, (c: Context<Env>) => answer(c, route));

  app.get('/api/v1/events', (c) => {
    requireScope(signIn.identify(c), 'read');
    return parts.events.open(c.req.header('last-event-id'), () => isStillIn(c, signIn));
  });
  app.all('/mcp', async (c) => {
    const caller = signIn.identify(c);
    requireScope(caller, 'read');
    requireOwnPage(c, caller);
    return (await parts.mcp()).answer(c.req.raw, caller, () => isStillIn(c, signIn));
  });
  app.get('/openapi.json', (c) => {
    requireScope(signIn.identify(c), 'read');
    return c.json(openApi(served));
  });
  return app;
}

function isStillIn(c: Context, signIn: SignIn): boolean {
  try {
    signIn.identify(c);
    return true;
  } catch {
    return false;
  }
}
