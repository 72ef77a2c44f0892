import { HTTPException } from 'hono/http-exception';
import { type ErrorCode, ProblemsError } from '../../errors.ts';
import type { HttpErrorCode } from '../api.ts';

type Status = 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415 | 429 | 500 | 502 | 503;

const statuses: Readonly<Record<ErrorCode, Status>> = {
  'bad-config': 500,
  'bad-usage': 400,
  'engine-refused': 502,
  'engine-unreachable': 503,
  'file-changed': 409,
  'file-unreadable': 500,
  'file-unwritable': 500,
  interrupted: 503,
  'not-found': 404,
  'lock-held': 409,
  'outside-root': 400,
  'run-live': 409,
  'state-damaged': 503,
  'state-locked': 503,
  'state-untrusted': 409,
  'state-unwritable': 503,
  'step-refused': 409,
  'store-unreachable': 503,
};

function errorAnswer(
  status: Status,
  code: HttpErrorCode | ErrorCode,
  message: string,
  hint: string | undefined,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return Response.json({ error: { code, message, hint: hint ?? null } }, { status, headers });
}

/** For `throw`: ends a request with an answer. */
export function refusal(
  status: Status,
  code: HttpErrorCode | ErrorCode,
  message: string,
  hint?: string,
  headers?: Readonly<Record<string, string>>,
): HTTPException {
  return new HTTPException(status, { message, res: errorAnswer(status, code, message, hint, headers) });
}

/** The answer to a request that failed. A mistake of ours says nothing about the inside. */
export function answerOf(error: unknown, onError: (error: unknown) => void): Response {
  if (error instanceof HTTPException) return error.getResponse();
  if (error instanceof ProblemsError) return errorAnswer(statuses[error.code], error.code, error.message, error.hint);
  onError(error);
  return errorAnswer(500, 'internal', 'The service made a mistake. Its log says more.', undefined);
}
