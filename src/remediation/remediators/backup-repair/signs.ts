/**
 * What PostgreSQL says of damaged data: PGOPS §3.5. A sign is `damage` where nothing but damage of files or storage makes
 * the server say it, and `suspicion` where a race or an odd query may.
 */
export type Sign = 'damage' | 'suspicion';

const place = '(?:\\./)?(?:base|global|pg_tblspc)/';

const damage: readonly RegExp[] = [
  new RegExp(`^invalid page in block \\d+ of relation ${place}`),
  /^page verification failed, calculated checksum \d+ but expected \d+/,
  /^checksum verification (?:failed in file "|failure during base backup)/,
  new RegExp(`^could not read blocks? \\d+(?:\\.\\.\\d+)? in file "${place}`),
  // 58P01, but not of a file that a statement names.
  /^could not open file "(?:base|global|pg_tblspc|pg_xact|pg_multixact)\/[^"]*"(?: \(target block \d+\))?: No such file or directory/,
  /^could not access status of transaction \d+/,
  /^(?:missing|unexpected) chunk number \d+ (?:\(expected \d+\) )?for toast value \d+/,
  /^failed to re-find parent key in index "/,
  /^index "[^"]*" contains (?:unexpected zero|corrupted) page at block \d+/,
  /^heap tuple \(\d+,\d+\) from table "[^"]*" lacks matching index tuple within index "/,
  /^found xm(?:in|ax) \d+ (?:\([^)]*\) )?from before relfrozenxid \d+/,
  /^(?:xmin|xmax) \d+ .*precedes (?:oldest valid|relation freeze)/,
  /^could not fsync file "/,
  /^(?:could not locate a valid checkpoint record|incorrect checksum in control file|invalid (?:primary )?checkpoint record)/,
];

const suspicion: readonly RegExp[] = [/^cache lookup failed for /, /^invalid memory alloc request size \d+/];

/** Of a message without its severity. */
function signOfMessage(message: string): Sign | undefined {
  const text = message.trimStart();
  if (damage.some((pattern) => pattern.test(text))) return 'damage';
  return suspicion.some((pattern) => pattern.test(text)) ? 'suspicion' : undefined;
}

const field =
  /(?:^|[\s\]])(DEBUG\d?|LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC|DETAIL|HINT|CONTEXT|STATEMENT|QUERY|LOCATION): {1,2}(?:[0-9A-Z]{5}: )?(.*)$/s;

/**
 * Of a line of a server's log, whatever its prefix. What a statement says between quotes is no word of the server: the
 * first field of a line counts, and a line that goes on with the one before has none.
 */
export function signOfLine(line: string): Sign | undefined {
  if (line.startsWith('\t')) return undefined;
  const [, severity = '', message = ''] = field.exec(line) ?? [];
  return /^(?:WARNING|LOG|ERROR|FATAL|PANIC)$/.test(severity) ? signOfMessage(message) : undefined;
}

/** Refusals that say nothing of the data, though pg_amcheck ends with the same status. */
const harmless =
  /permission denied|canceling statement|lock timeout|deadlock detected|does not exist|terminating connection|out of memory|out of shared memory|No space left|too many clients/;

/** What pg_amcheck (status 2) says of damage: its own reports, and errors but those that any query may meet. */
export function damageInAmcheck(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^(?:HINT|DETAIL|CONTEXT|NOTICE|query was):/i.test(line))
    .filter((line) => !/^(?:heap table|btree index) .*:$/.test(line) && !line.startsWith('pg_amcheck:'))
    .filter((line) => !harmless.test(line));
}

/** What pg_dump and pg_basebackup report of the server's words on damage. */
export function damageInReport(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => {
      const message = /(?:^|\s)(?:WARNING|ERROR|FATAL|PANIC): {1,2}(?:[0-9A-Z]{5}: )?(.*)$/.exec(line)?.[1];
      return (
        (message !== undefined && signOfMessage(message) === 'damage') || line.endsWith(': checksum error occurred')
      );
    });
}
