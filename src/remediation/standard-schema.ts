/**
 * What a schema must be able to do: Standard Schema, version 1 (https://standardschema.dev). Schemas of zod, valibot,
 * arktype and others have it, so a plugin brings its own library, or writes the one function by hand. Validation must be
 * synchronous.
 *
 * @example
 * const details: Schema<{ container: string }> = z.object({ container: z.string() });
 */
export interface Schema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1;
    /** Name of the library. */
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
  };
}

export type SchemaResult<Output> =
  { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly SchemaIssue[] };

export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** A value that fits a schema, as the schema returns it, or what is wrong with it: `edits.0.at: must be a number`. */
export type Checked<Output> =
  { readonly ok: true; readonly value: Output } | { readonly ok: false; readonly fault: string };

/** @throws TypeError: the schema is asynchronous. */
export function checkValue<Output>(schema: Schema<Output>, value: unknown): Checked<Output> {
  const result = schema['~standard'].validate(value);
  if (result instanceof Promise) {
    result.catch(() => undefined);
    throw new TypeError(`A schema of ${schema['~standard'].vendor} is asynchronous; schemas must be synchronous.`);
  }
  if (result.issues === undefined) return { ok: true, value: result.value };
  return { ok: false, fault: result.issues.map(faultOf).join('; ') || 'it does not fit' };
}

/** @throws Error: the value does not fit; the message begins with `what`. */
export function parseValue<Output>(schema: Schema<Output>, value: unknown, what: string): Output {
  const checked = checkValue(schema, value);
  if (checked.ok) return checked.value;
  throw new Error(`${what} does not fit its schema: ${checked.fault}`);
}

/** Whether a value has the shape of a schema. What its function returns is checked when it is called. */
export function isSchema(value: unknown): value is Schema {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null || !('~standard' in value))
    return false;
  const { '~standard': standard } = value;
  return (
    typeof standard === 'object' &&
    standard !== null &&
    'version' in standard &&
    standard.version === 1 &&
    'validate' in standard &&
    typeof standard.validate === 'function'
  );
}

function faultOf({ path = [], message }: SchemaIssue): string {
  const keys = path.map((segment) => String(typeof segment === 'object' ? segment.key : segment));
  return keys.length === 0 ? message : `${keys.join('.')}: ${message}`;
}
