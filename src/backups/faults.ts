import type { BackupCause } from './types.ts';

/** An error of psql or pg_restore, and the beginning of the statement that it is about. */
export interface Fault {
  /** The first line, without the severity. */
  readonly message: string;
  /** The first line; empty if the program did not say it. */
  readonly statement: string;
}

const most = 10_000;

/**
 * Reads what `psql --echo-errors` and `pg_restore` write to standard error. Warnings and notices are not errors: exit codes and
 * errors decide.
 */
export function faultsIn(stderr: string): readonly Fault[] {
  const faults: { message: string; statement: string }[] = [];
  for (const line of stderr.split('\n')) {
    const message = messageIn(line);
    if (message !== undefined && faults.length < most) faults.push({ message: message.slice(0, 400), statement: '' });
    const statement = /^(?:STATEMENT: {2}|Command was: )(.*)$/.exec(line)?.[1];
    const last = faults.at(-1);
    if (statement !== undefined && last?.statement === '') last.statement = statement.slice(0, 400);
  }
  return faults;
}

function messageIn(line: string): string | undefined {
  const server = /^(?:psql:\S+ |pg_restore: error: (?:could not execute query: )?)?(?:ERROR|FATAL|PANIC): {1,2}(.*)$/;
  return (
    server.exec(line)?.[1] ??
    /^(?:psql|pg_restore|createdb): error: (.*)$/.exec(line)?.[1] ??
    /^(?:psql:\S+ )?(?:error: )?(invalid command .*|needs \w+)$/.exec(line)?.[1]
  );
}

/** What the errors of a restore say about the dump. */
export interface FaultReport {
  /** What a dump may name without containing it. The drill can create them. */
  readonly roles: readonly string[];
  readonly tablespaces: readonly string[];
  /** Extensions, libraries and locales that the image lacks: `the extension postgis`. */
  readonly image: readonly string[];
  /** Schemas, types, tables and functions that the dump uses and does not contain: it is a part of a database. */
  readonly lacking: readonly string[];
  /** The drill ran out of locks, memory or disk: a sentence. */
  readonly limit: string | undefined;
  /** Programs that the image lacks. */
  readonly programs: readonly string[];
  /** psql stopped at an error, so the rest of the dump was not restored. */
  readonly stopped: boolean;
  /** Everything else: these are faults of the dump. */
  readonly real: readonly string[];
}

/** Only a name with a schema: one without comes from inside a function, which does not find what the dump does contain. */
const missing =
  /^(?:relation|type|table|view|sequence|index|collation|operator class|operator family|text search \w+|domain) "([^"]+\.[^"]+)" (?:for encoding "[^"]*" )?does not exist|^(?:function|procedure|aggregate) ("?\w[^()]*\.[^()]+)\(.*\) does not exist|^schema "([^"]+)" does not exist/;

/** In an empty database there is nothing to drop, and some things are there already. */
const drops =
  /^(?:DROP |SELECT pg_catalog\.lo_unlink\(|ALTER (?:FOREIGN )?TABLE .* (?:DROP CONSTRAINT|ALTER COLUMN .* DROP DEFAULT|DETACH PARTITION)|ALTER DOMAIN .* DROP )/;

const creates = /^CREATE (?:SCHEMA|ROLE|EXTENSION|(?:OR REPLACE )?(?:PROCEDURAL )?LANGUAGE|DATABASE|TABLESPACE)\b/;

export function reportFaults(faults: readonly Fault[]): FaultReport {
  const roles = new Set<string>();
  const tablespaces = new Set<string>();
  const image = new Set<string>();
  const lacking = new Set<string>();
  const notCreated = new Set<string>();
  const programs = new Set<string>();
  const real: string[] = [];
  let limit: string | undefined;
  let stopped = false;
  let isCopyLost = false;
  for (const fault of faults) {
    const { message, statement } = fault;
    const role = /^role "([^"]+)" does not exist$/.exec(message)?.[1];
    const tablespace = /^tablespace "([^"]+)" does not exist$/.exec(message)?.[1];
    const program = /^needs (\w+)$/.exec(message)?.[1];
    const imageLacks = imageLackIn(message);
    const lacks = missing.exec(message);
    if (isHarmless(fault)) continue;
    if (role !== undefined) roles.add(role);
    else if (tablespace !== undefined) tablespaces.add(tablespace);
    else if (program !== undefined) programs.add(program);
    else if (imageLacks !== undefined) image.add(imageLacks);
    else if (lacks !== null) {
      lacking.add(lacks[1] ?? lacks[2] ?? lacks[3] ?? '');
      isCopyLost ||= statement.startsWith('COPY ');
      const created = /^CREATE (?:UNLOGGED |MATERIALIZED )?\w+ (\S+?)(?:\(.*)?(?: |$)/.exec(statement)?.[1];
      if (created !== undefined) notCreated.add(created);
    } else if (/^psql ended with 3$/.test(message)) stopped = true;
    // It ends with 1 if there was any error, which was then reported.
    else if (message === 'pg_restore ended with 1' && faults.length > 1) continue;
    else if (limitOf(message) !== undefined) limit ??= limitOf(message);
    // psql takes rows that have no table for statements, so its next errors say nothing.
    else if (!isCopyLost) real.push(statement === '' ? message : `${message} (${statement.slice(0, 80)})`);
  }
  return {
    roles: [...roles],
    tablespaces: [...tablespaces],
    image: [...image],
    // What could not be created for lack of something else is not lacking itself.
    lacking: [...lacking].filter((name) => !notCreated.has(name)),
    programs: [...programs],
    limit,
    stopped,
    real,
  };
}

/** Whether nothing of the dump was left out: its errors, if any, were harmless. */
export function isRestored(report: FaultReport): boolean {
  const { roles, tablespaces, image, lacking, programs, limit, stopped, real } = report;
  const faults = [...roles, ...tablespaces, ...image, ...lacking, ...programs, ...real];
  return faults.length === 0 && limit === undefined && !stopped;
}

function imageLackIn(message: string): string | undefined {
  const extension =
    /^extension "([^"]+)" (?:is not available|must be (?:pre)?loaded)/.exec(message)?.[1] ??
    /^could not open extension control file ".*\/([^"/]+)\.control"/.exec(message)?.[1];
  const library = /^could not (?:access|load) (?:file|library) "([^"]+)"/.exec(message)?.[1];
  const locale = /^invalid (?:\w+ )?locale name: "([^"]+)"/.exec(message)?.[1];
  if (extension !== undefined) return `the extension ${extension}`;
  if (library !== undefined) return `the library ${library}`;
  return locale === undefined ? undefined : `the locale ${locale}`;
}

function isHarmless({ message, statement }: Fault): boolean {
  // A setting of a newer or much older pg_dump, which every session has by default.
  if (/^unrecognized configuration parameter "\w+"$/.test(message)) return statement.startsWith('SET ');
  // The objects are created in the default tablespace.
  if (message.startsWith('invalid value for parameter "default_tablespace"')) return true;
  if (/^directory ".*" does not exist$/.test(message)) return statement.startsWith('CREATE TABLESPACE ');
  if (message.endsWith(' does not exist')) return drops.test(statement);
  if (message === 'current user cannot be dropped') return statement.startsWith('DROP ROLE ');
  return message.endsWith(' already exists') && creates.test(statement);
}

/** What a server or program ran out of, as a clause, with the setting to raise. It says nothing about a dump. */
export function limitOf(message: string): string | undefined {
  if (/out of shared memory|max_locks_per_transaction/.test(message))
    return 'the server ran out of locks, and one transaction needs a lock for each table: raise max_locks_per_transaction of the server, which needs a restart';
  if (/No space left on device|could not extend file/.test(message)) return 'the disk is full';
  return /out of memory|Cannot allocate memory/i.test(message) ? 'the memory is used up' : undefined;
}

/** The cause of what is left after all that the drill can give. */
export function causeOfFaults(faults: readonly string[]): BackupCause {
  if (faults.some((line) => /role "[^"]*" does not exist/.test(line))) return 'missing-roles';
  if (
    faults.some((line) =>
      /could not locate (?:a valid|required) checkpoint record|WAL ends before|could not find redo location|requested timeline/.test(
        line,
      ),
    )
  )
    return 'missing-wal';
  if (faults.some((line) => /invalid page in block|page verification failed/.test(line))) return 'structure-damaged';
  if (faults.some((line) => /unexpected end of file|could not read from input file/.test(line))) return 'truncated';
  return 'does-not-restore';
}
