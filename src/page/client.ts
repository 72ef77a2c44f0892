import type { Answers } from './answers.ts';
import { visible } from './format.ts';

/** An answer of the server that is not a success, or none at all (`status` 0). Texts are sentences. */
export class RequestFailed extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string | null;

  constructor(status: number, code: string, message: string, hint: string | null) {
    super(message);
    this.status = status;
    this.code = code;
    this.hint = hint;
  }
}

export type Query = Readonly<Record<string, string | number | undefined>>;

/** `/api/v1/runs/7`: the path of an answer, with its parameters in order. */
function pathOf(route: string, parameters: readonly string[] = [], query: Query = {}): string {
  const rest = [...parameters];
  const path = route.replace(/^\w+ /, '').replaceAll(/:\w+/g, () => encodeURIComponent(rest.shift() ?? ''));
  const search = Object.entries(query)
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`]))
    .join('&');
  return `/api/v1${path}${search === '' ? '' : `?${search}`}`;
}

/** Every text that arrives is made readable here, once: nothing hidden in it reaches the page. */
function parse(text: string): unknown {
  if (text === '') return null;
  const readable: unknown = JSON.parse(text, (_, value: unknown) =>
    typeof value === 'string' ? visible(value) : value,
  );
  return readable;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function failureOf(status: number, answer: unknown): RequestFailed {
  const error = isRecord(answer) && isRecord(answer['error']) ? answer['error'] : {};
  return new RequestFailed(
    status,
    textOf(error['code']) ?? 'unknown',
    textOf(error['message']) ?? `The service answered with status ${status}.`,
    textOf(error['hint']),
  );
}

async function request(path: string, init: RequestInit): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(path, { credentials: 'same-origin', ...init });
  } catch {
    throw new RequestFailed(
      0,
      'unreachable',
      'The service does not answer.',
      'It may be restarting. This page tries again by itself.',
    );
  }
  const text = await response.text();
  const isJson = (response.headers.get('content-type') ?? '').includes('json');
  const answer = isJson ? parse(text) : null;
  if (!response.ok) throw failureOf(response.status, answer);
  return answer;
}

/** Answers by path, kept while the page is open, so that going back shows at once what was there. */
const kept = new Map<string, unknown>();

// The server is of the same release and makes these answers from the same types.
function trust<Route extends keyof Answers>(_route: Route, answer: unknown): Answers[Route] {
  // oxlint-disable-next-line typescript/consistent-type-assertions
  return answer as Answers[Route];
}

export async function get<Route extends keyof Answers>(
  route: Route,
  parameters?: readonly string[],
  query?: Query,
): Promise<Answers[Route]> {
  const path = pathOf(route, parameters, query);
  const answer = await request(path, { headers: { accept: 'application/json' } });
  kept.set(path, answer);
  return trust(route, answer);
}

export function lastAnswer<Route extends keyof Answers>(
  route: Route,
  parameters?: readonly string[],
  query?: Query,
): Answers[Route] | undefined {
  const path = pathOf(route, parameters, query);
  return kept.has(path) ? trust(route, kept.get(path)) : undefined;
}

/** Asks for a change. The header tells the server that this page sent it, and not a form elsewhere. */
export async function post<Route extends keyof Answers>(
  route: Route,
  parameters: readonly string[] = [],
  body: Readonly<Record<string, unknown>> = {},
): Promise<Answers[Route]> {
  return trust(route, await send(pathOf(route, parameters), body));
}

async function send(path: string, body: Readonly<Record<string, unknown>>): Promise<unknown> {
  return request(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json', 'x-problems-csrf': '1' },
    body: JSON.stringify(body),
  });
}

/** Outside `/api/v1`: `/login` and `/logout`. */
export async function postPlain(path: string, body: Readonly<Record<string, unknown>> = {}): Promise<void> {
  await send(path, body);
}
