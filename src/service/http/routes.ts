import { z } from 'zod';
import { isObject, parseJson } from '../../util/json.ts';
import { version } from '../../version.ts';
import { changeRoutes } from './change-routes.ts';
import { readRoutes } from './read-routes.ts';
import { parametersOf, type Route } from './route.ts';
import { named } from '../store/run-shapes.ts';

/** Every route below `/api/v1`, in the order of the documentation. The router and all descriptions derive from it. */
export const routes: readonly Route[] = [...readRoutes, ...changeRoutes];

/** With `--read-only` no route that changes anything exists. */
export function routesFor(readOnly: boolean): readonly Route[] {
  return readOnly ? readRoutes : routes;
}

/** The description of the API in OpenAPI 3.1, from the table of routes. */
export function openApi(described: readonly Route[]): object {
  const paths: Record<string, Record<string, object>> = {};
  const shared: Record<string, object> = {};
  for (const route of described) {
    const path = `/api/v1${route.path.replaceAll(/:(\w+)/g, '{$1}')}`;
    const { $schema: _, $defs = {}, ...answer } = z.toJSONSchema(route.answer, { metadata: named });
    Object.assign(shared, $defs);
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route, answer) };
  }
  const description = {
    openapi: '3.1.0',
    info: { title: 'problems', version, description: 'What the service knows, and what it can be asked to do.' },
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: {
        Error: z.toJSONSchema(
          z.object({ error: z.object({ code: z.string(), message: z.string(), hint: z.string().nullable() }) }),
        ),
        ...shared,
      },
    },
  };
  // A schema refers to what is beside it; in this document that is among the components.
  const text = JSON.stringify(description).replaceAll('"$ref":"#/$defs/', '"$ref":"#/components/schemas/');
  const read = parseJson(text);
  return isObject(read) ? read : {};
}

function operationOf(route: Route, answer: object): object {
  const { about, scope, status, method } = route;
  const names = parametersOf(route);
  const rest = inputSchema(route);
  const body = method === 'POST' && Object.keys(rest.properties).length > 0;
  return {
    summary: about,
    description: `Scope: ${scope}.`,
    parameters: [
      ...names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
      ...(method === 'GET' ? queryParameters(rest) : []),
      ...(method === 'POST' ? [{ name: 'Idempotency-Key', in: 'header', schema: { type: 'string' } }] : []),
    ],
    ...(body ? { requestBody: { required: true, content: jsonContent(rest) } } : {}),
    responses: {
      [status]: { description: about, content: jsonContent(answer) },
      default: { description: 'It was refused.', content: jsonContent({ $ref: '#/components/schemas/Error' }) },
    },
  };
}

/** The schema of what is in the query of a GET or the body of a POST. */
export function inputSchema(route: Route): {
  readonly type: 'object';
  readonly properties: Readonly<Record<string, object>>;
  readonly required: readonly string[];
} {
  const names = parametersOf(route);
  const { properties = {}, required = [] } = z.toJSONSchema(route.input, { io: 'input' });
  return {
    type: 'object',
    properties: Object.fromEntries(
      Object.entries(properties).flatMap(([name, schema]) =>
        names.includes(name) || typeof schema !== 'object' ? [] : [[name, schema] as const],
      ),
    ),
    required: required.filter((name) => !names.includes(name)),
  };
}

function queryParameters({ properties, required }: ReturnType<typeof inputSchema>): readonly object[] {
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }));
}

function jsonContent(schema: object): object {
  return { 'application/json': { schema } };
}
