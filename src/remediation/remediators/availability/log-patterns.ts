import type { LogLine } from '../../../host/docker/types.ts';

/**
 * Lines with which a server or the entrypoint of an image ends. Texts of PostgreSQL 15 to 17 and of the official images;
 * in other languages `lc_messages` changes them, and then only exit codes and times tell.
 */

/** Refusals of one session, which say nothing about the server. */
const ofSession =
  /terminating (?:connection|background worker)|the database system is|(?:role|database) ".*" does not exist|password authentication failed|no pg_hba\.conf entry|too many clients|remaining connection slots|canceling/;

const fatal = /(?:FATAL|PANIC): /;

/** The entrypoint writes these without a severity. */
const ofEntrypoint =
  /^Error: |^initdb: error|^(?:chown|chmod|mkdir|find): .*(?:Permission denied|Operation not permitted)|No space left on device|exec format error|not found$/;

/** What the server says of each setting, before it says that the file contains errors. */
const refused =
  /LOG: .*(?: in file "[^"]+",? (?:near )?line \d+|invalid value for parameter "|outside the valid range for parameter "|could not open configuration file ")/;

const initDone = /PostgreSQL init process complete/;

/** The images run each script once, on the empty data directory, and end with it if it fails. */
const initScript = /(?:running|sourcing) (\/docker-entrypoint-initdb\.d\/\S+)/;

/** The script during which the first start ended, and its last error; undefined if all ran to their ends, or none is seen. */
export function unfinishedInit(log: readonly LogLine[]): string | undefined {
  const at = log.findLastIndex(({ text }) => initScript.test(text));
  const script = initScript.exec(log[at]?.text ?? '')?.[1];
  const rest = log.slice(at + 1);
  const next = rest.findIndex(isLaterStart);
  const after = next === -1 ? rest : rest.slice(0, next);
  if (script === undefined || after.some(({ text }) => initDone.test(text))) return undefined;
  const error =
    after.findLast(({ text }) => /\b(?:ERROR|FATAL):|^\S+: line \d+:/.test(text))?.text ??
    after.findLast(({ text }) => text !== '')?.text ??
    '';
  return `the init script ${script} did not run to its end${error === '' ? '' : `: ${withoutPrefix(error)}`}`.slice(
    0,
    500,
  );
}

/** What the images say at every start but the first. */
function isLaterStart({ text }: LogLine): boolean {
  return text.includes('appears to contain a database; Skipping initialization');
}

export function isStartedAgain(log: readonly LogLine[]): boolean {
  return log.some(isLaterStart);
}

function isFailure({ text }: LogLine): boolean {
  return (fatal.test(text) && !ofSession.test(text)) || ofEntrypoint.test(text);
}

/**
 * The last line that says why the server ended, without its timestamp, with its detail, and with the line of a config file that
 * it is about; undefined if none does. At most 500 characters.
 */
export function wordsOfFailure(log: readonly LogLine[]): string | undefined {
  const place = log.findLastIndex(isFailure);
  const line = log[place];
  if (line === undefined) return undefined;
  const before = /contains errors/.test(line.text) ? log.slice(Math.max(0, place - 5), place) : [];
  const faults = before.filter(({ text }) => refused.test(text));
  const detail = log.slice(place + 1, place + 3).find(({ text }) => /DETAIL: /.test(text));
  return [...faults, line, ...(detail === undefined ? [] : [detail])]
    .map(({ text }) => withoutPrefix(text).replace(/^(?:LOG|DETAIL): +/, ''))
    .join(' ')
    .slice(0, 500);
}

/** The default `log_line_prefix` of the official images is a time, a zone and the process. */
function withoutPrefix(text: string): string {
  return text.replace(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? \S+ \[\d+\] /, '').trim();
}

/** Whether a server refused to start since the log began, and was never ready after that. */
export function refusesToStart(log: readonly LogLine[]): boolean {
  const failed = log.findLastIndex(isFailure);
  const ready = log.findLastIndex(({ text }) => text.includes('ready to accept connections'));
  return failed !== -1 && failed > ready && !/PANIC/.test(log[failed]?.text ?? '');
}

/** Whether the log ends with a shutdown that someone asked for. */
export function isOrderlyEnd(log: readonly LogLine[]): boolean {
  return log.slice(-5).some(({ text }) => text.includes('database system is shut down'));
}
