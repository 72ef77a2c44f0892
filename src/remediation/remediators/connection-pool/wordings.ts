/**
 * Which limit a server (or a pooler of ours) says has been reached. Only the first two are max_connections; a role's or
 * a database's own limit has the same SQLSTATE, 53300, and is mostly meant. PGOPS §2.1.
 */
export type LimitReached =
  /** Only the slots kept back for superusers (and `pg_use_reserved_connections`) are left. */
  | { readonly limit: 'ordinary-slots' }
  | { readonly limit: 'all-slots' }
  | { readonly limit: 'role' | 'database'; readonly name: string }
  | { readonly limit: 'pooler' };

const texts: readonly (readonly [RegExp, 'ordinary-slots' | 'all-slots' | 'pooler'])[] = [
  [/remaining connection slots are reserved for non-replication superuser connections/, 'ordinary-slots'],
  [/remaining connection slots are reserved for roles with the SUPERUSER attribute/, 'ordinary-slots'],
  [/remaining connection slots are reserved for roles with privileges of the "?\w+"? role/, 'ordinary-slots'],
  [/sorry, too many clients already/, 'all-slots'],
  [/no more connections allowed \(max_client_conn\)|query_wait_timeout/, 'pooler'],
];

/** A line of a log or an error's message; undefined where it speaks of something else. */
export function limitReached(text: string): LimitReached | undefined {
  const own = /too many connections for (role|database) "((?:[^"]|"")*)"/.exec(text);
  if (own !== null) return { limit: own[1] === 'role' ? 'role' : 'database', name: own[2] ?? '' };
  const found = texts.find(([pattern]) => pattern.test(text));
  return found === undefined ? undefined : { limit: found[1] };
}
