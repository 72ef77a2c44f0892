/** Why the program could not do its work. Exit code 2. What is wrong in a user's registry is a diagnostic, never an error. */
export type ErrorCode =
  | 'bad-config'
  | 'bad-usage'
  | 'engine-unreachable'
  | 'file-changed'
  | 'file-unreadable'
  | 'not-found'
  | 'outside-root'
  | 'state-damaged'
  | 'state-locked';

/** The one error class. `hint` says what to do, in a sentence of its own. */
export class ProblemsError extends Error {
  override readonly name = 'ProblemsError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: { readonly hint?: string; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }
}
