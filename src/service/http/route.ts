import { z } from 'zod';
import type { ApiAnswers } from '../api.ts';
import type { Scope } from '../contract.ts';
import type { OperationContext } from '../operations/context.ts';
import { refusal } from './refusals.ts';
import type { Caller } from './sign-in.ts';

/** One request of a route. */
export interface RouteContext extends OperationContext {
  readonly caller: Caller;
  readonly readOnly: boolean;
}

/** A route as the router, /openapi.json and docs/reference/http.md use it. */
export interface Route {
  readonly method: 'GET' | 'POST';
  /** Below `/api/v1`: `/runs/:id`. */
  readonly path: string;
  readonly scope: Scope;
  readonly about: string;
  readonly status: 200 | 202;
  /** The names of the path's parameters, and what else is in the query of a GET or the body of a POST. */
  readonly input: z.ZodObject;
  readonly answer: z.ZodType;
  /** @throws a refusal: 400, if the input is not as declared; what the handler throws. */
  handle(context: RouteContext, input: unknown): Promise<unknown>;
}

interface Declaration<Key extends keyof ApiAnswers, Input extends z.ZodObject> {
  readonly scope: Scope;
  readonly about: string;
  /** 202: the work goes on after the answer. */
  readonly status?: 202;
  readonly input: Input;
  /** What programs may rely on. */
  readonly answer: z.ZodType;
  readonly handler: (context: RouteContext, input: z.output<Input>) => Promise<ApiAnswers[Key]> | ApiAnswers[Key];
}

/** Declares a route: everything about it is derived from this. */
export function route<Key extends keyof ApiAnswers, Input extends z.ZodObject>(
  key: Key,
  { scope, about, status, input, answer, handler }: Declaration<Key, Input>,
): Route {
  const [method, path = ''] = key.split(' ');
  return {
    method: method === 'POST' ? 'POST' : 'GET',
    path,
    scope,
    about,
    status: status ?? 200,
    input,
    answer,
    async handle(context, given) {
      const result = input.safeParse(given);
      if (result.success) return handler(context, result.data);
      const [issue] = result.error.issues;
      const where = issue?.path.join('.') ?? '';
      throw refusal(400, 'bad-usage', `${where === '' ? 'The input' : where}: ${issue?.message ?? 'invalid'}`);
    },
  };
}

/** `:id` of `/runs/:id`. */
export function parametersOf({ path }: Pick<Route, 'path'>): readonly string[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => name);
}

export const none = z.strictObject({});

/** Names, ids and comments of requests are bounded. */
export function bounded(most: number): z.ZodString {
  return z.string().min(1).max(most);
}

export const engine = bounded(100).describe('Name of the engine in the config. Default: the one that it belongs to.');
