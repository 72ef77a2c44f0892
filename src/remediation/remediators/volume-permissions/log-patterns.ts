/**
 * Messages of a server, its entrypoint or initdb about permissions. One message can have opposite causes, so a sign is
 * only evidence; the diagnosis checks the data first. Texts: docs/engineering/volumes.md#messages.
 */
export type Sign =
  | 'wrong-ownership'
  | 'invalid-permissions'
  /** A file or folder that the server, the entrypoint or initdb may not read or write. */
  | 'permission-denied'
  /** initdb failed on a folder of another owner, or on data that it could not read. */
  | 'initdb-refused'
  /** The entrypoint is root but may not change owners. */
  | 'chown-refused'
  | 'read-only'
  | 'lost-and-found';

const texts: readonly (readonly [Sign, RegExp])[] = [
  ['read-only', /(?:FATAL|PANIC|ERROR|mkdir|chown|chmod|initdb).*: Read-only file system/],
  ['lost-and-found', /It contains a lost\+found directory/],
  ['wrong-ownership', /FATAL: {1,2}data directory ".*" has wrong ownership/],
  ['invalid-permissions', /FATAL: {1,2}data directory ".*" has invalid permissions/],
  ['chown-refused', /^(?:chown|chmod): changing (?:ownership|permissions) of .*: Operation not permitted$/],
  ['chown-refused', /^(?:chown|chmod): .*: Operation not permitted$/],
  [
    'initdb-refused',
    /^initdb: error: could not (?:access|change permissions of|create) directory ".*": (?:Permission denied|Operation not permitted)$/,
  ],
  [
    'permission-denied',
    /(?:could not (?:open|read|write|access|create|stat|remove|rename|fsync)|cannot open).*: Permission denied/,
  ],
  ['permission-denied', /^(?:find|mkdir|ls|cat|touch|gosu|su-exec): .*: Permission denied$/],
];

/** The sign in a line of the log; undefined for every other line. */
export function signOf(line: string): Sign | undefined {
  return texts.find(([, text]) => text.test(line))?.[0];
}

const served =
  /database system is ready to accept connections|database system is shut down|database system was (?:shut down|interrupted)|Skipping initialization/;

/** Whether a line shows that a cluster existed. */
export function isTraceOfData(line: string): boolean {
  return served.test(line);
}
