/** Why the program could not do its work. Exit code 2. A mistake in a user's registry is a diagnostic, never an error. */
export type ErrorCode =
  | 'bad-config'
  | 'bad-usage'
  /** The engine answered, and the answer is no. */
  | 'engine-refused'
  | 'engine-unreachable'
  | 'file-changed'
  | 'file-unreadable'
  | 'file-unwritable'
  /** The caller stopped the work. */
  | 'interrupted'
  | 'not-found'
  /** Another owner holds the lock, or has taken it over. */
  | 'lock-held'
  | 'outside-root'
  /** Another process is working on the run. */
  | 'run-live'
  | 'state-damaged'
  | 'state-locked'
  /** It may come from someone else: its owner, its permissions, its tables or its signatures are not as we leave them. */
  | 'state-untrusted'
  /** The disk under it is full, failing or read-only. */
  | 'state-unwritable'
  /** A precondition of a step no longer holds; the step changed nothing. */
  | 'step-refused'
  /** The database server of the queue does not answer, or refuses the login. */
  | 'store-unreachable';

/** The only error class. `hint` says what to do, as a separate sentence. */
export class ProblemsError extends Error {
  override readonly name = 'ProblemsError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { readonly hint?: string | undefined; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }
}
