/** What libpq or the server says to a client. Texts: PGOPS §7.1; libpq's own are in English in a container of ours. */
export type Answer =
  | 'no-such-name'
  | 'refused'
  | 'no-answer'
  | 'starting'
  | 'hba-refused'
  | 'tls-refused'
  | 'password-refused'
  | 'database-missing'
  /** The server answers and refuses for another reason, such as too many clients: the network is sound. */
  | 'other-refusal'
  | 'unknown';

const texts: readonly (readonly [Answer, RegExp])[] = [
  ['hba-refused', /no pg_hba\.conf entry for (?:host|replication)|pg_hba\.conf rejects (?:connection|replication)/],
  [
    'tls-refused',
    /server does not support SSL, but SSL was required|SSL error:|sslmode value .* invalid when SSL support/,
  ],
  ['password-refused', /password authentication failed for user|no password supplied|authentication failed for user/],
  ['database-missing', /FATAL: {1,2}database ".*" does not exist/],
  ['starting', /the database system is (?:starting up|not yet accepting connections|in recovery mode)/],
  ['other-refusal', /FATAL: {1,2}/],
  ['no-such-name', /could not translate host name/],
  // A proxy that takes connections for a server that is not there closes them at once.
  ['refused', /Connection refused|server closed the connection unexpectedly|Connection reset by peer/],
  ['no-answer', /timeout expired|No route to host|Network is unreachable|Host is unreachable|Connection timed out/],
  // `FATAL` in the server's own language.
  ['other-refusal', /port \d+ failed: \S+: {1,2}\S/],
];

export function answerOf(message: string): Answer {
  return texts.find(([, text]) => text.test(message))?.[0] ?? 'unknown';
}

/** The codes that belong to these texts; psql does not print them for a connection that it did not get. */
export function sqlstateOf(answer: Answer): string | undefined {
  switch (answer) {
    case 'hba-refused':
      return '28000';
    case 'password-refused':
      return '28P01';
    case 'database-missing':
      return '3D000';
    case 'starting':
      return '57P03';
    default:
      return undefined;
  }
}
