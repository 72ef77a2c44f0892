import { ProblemsError } from '../../errors.ts';
import { getStrings } from '../../util/json.ts';
import { oneLine } from '../../util/text.ts';
import { type ChangingEngine, jsonOf } from '../../host/docker/client.ts';
import type { HelperResult, HelperSpec } from '../../host/docker/types.ts';
import { runHelper } from '../../host/exec.ts';
import { type Packing, unpackCommand, unpackedFunction } from '../packing.ts';
import { soleOwner } from '../sole-owner.ts';
import type { BackupCause, BackupKind } from '../types.ts';

/** One restorable part of a backup on the engine's machine. */
export interface PartRequest {
  /** The backup's folder: an absolute path on the engine's machine. */
  readonly folder: string;
  readonly path: string;
  readonly kind: BackupKind;
  readonly packing: Packing | undefined;
  /** The image of the backed-up server, or one of its major version. */
  readonly image: string;
  readonly timeoutMs: number;
}

/** A part to restore and read back. */
export interface DrillRequest extends PartRequest {
  /** The superuser: the owner for a dump without roles, or the role that queries a copy of files. */
  readonly role: string;
  /** The database for a dump that does not name one. */
  readonly database: string;
  /** Whether the plain dump creates its database itself. */
  readonly creates: boolean;
  /** A dump of the roles. `before`: one of the schema, if this dump has only rows. Paths within the backup. */
  readonly globals: string | undefined;
  readonly before: string | undefined;
  /** Also checks structure and checksums (L5). */
  readonly deep: boolean;
  /** Space for the copy. */
  readonly needKiB: number;
  /** What the dump names and the backup lacks: the drill creates it first. */
  readonly needs: DrillNeeds;
}

export interface DrillNeeds {
  /** Created without login. */
  readonly roles: readonly string[];
  readonly tablespaces: readonly string[];
}

/** Why the check could not run. */
export interface NotAsked {
  readonly impossible: BackupCause;
  readonly says: string;
}

/**
 * Runs a helper with the backup mounted read-only, so its content does not pass through this process. The helper runs as the owner of
 * the files, without a capability; as root that reads files of any owner only if they have several. It ends by its own timeout even
 * if this process is gone.
 */
export async function runWithBackup(
  engine: ChangingEngine,
  request: Pick<PartRequest, 'folder' | 'path' | 'image' | 'timeoutMs'>,
  spec: Pick<HelperSpec, 'stdin' | 'scratch' | 'maxBytes'> & {
    readonly script: string;
    readonly shell: 'sh' | 'bash';
  },
): Promise<HelperResult | NotAsked> {
  if (!engine.local)
    return {
      impossible: 'remote-engine',
      says: 'The engine runs on another machine than the one with the backup.',
    };
  const seconds = Math.max(1, Math.ceil(request.timeoutMs / 1000));
  const { script, shell, ...rest } = spec;
  // What cannot be read now is told by the helper.
  const owner = (await mapsUsers(engine))
    ? undefined
    : await soleOwner(request.folder, request.path).catch(() => undefined);
  try {
    const result = await runHelper(engine, {
      ...(owner === undefined ? { task: 'check-mixed-backup' } : { task: 'check-backup', user: owner }),
      image: request.image,
      command: ['timeout', '-s', 'KILL', String(seconds), shell, '-c', script],
      mounts: [{ type: 'bind', source: request.folder, target: '/backup', readonly: true }],
      timeoutMs: seconds * 1000 + 20_000,
      ...rest,
    });
    return result.exitCode === 137 ? { impossible: 'time-out', says: `did not finish within ${seconds} s` } : result;
  } catch (error) {
    if (error instanceof ProblemsError && error.code === 'engine-refused')
      return { impossible: 'unreadable', says: error.message };
    throw error;
  }
}

/** Whether a user of the machine has another number in containers, so that the owner of a file cannot be named there. */
async function mapsUsers(engine: ChangingEngine): Promise<boolean> {
  const info = jsonOf(await engine.get({ path: '/info' }), 'ask about the engine');
  return getStrings(info, 'SecurityOptions').some((option) => /^name=(?:userns|rootless)/.test(option));
}

export function isNotAsked(answer: object): answer is NotAsked {
  return 'impossible' in answer;
}

/** The path in the helper, on one line. */
export function helperPath(path: string): string {
  return path === '.' ? '/backup' : `/backup/${oneLine(path)}`;
}

/** The image has no program for what the dump is wrapped in. */
function lackingProgram({ path, packing }: PartRequest, says: string): NotAsked | undefined {
  const program = /^needs (gzip|zstd|xz|bzip2|lz4)$/m.exec(says)?.[1];
  if (program === undefined || packing === undefined) return undefined;
  return {
    impossible: 'not-supported',
    says: `Not proven: ${path} is compressed with ${packing}, and the image has no ${program}. Unpack it first: ${unpackCommand(packing, path)}`,
  };
}

/** Counts the table of contents, which may be as long as the database has objects. */
const dumpScript = String.raw`${unpackedFunction}
IFS= read -r part; IFS= read -r packing
export LC_ALL=C
{ if [ -d "$part" ]; then pg_restore --list "$part"
  elif [ -z "$packing" ]; then pg_restore --list <"$part"
  else unpacked "$part" | pg_restore --list; fi; echo "status $?" >&2; } | awk '
  /^;/ { if (head++ < 30) print substr($0, 1, 300); next }
  /^[0-9]+; [0-9]+ [0-9]+ TABLE DATA / { data++ } /^[0-9]+; [0-9]+ [0-9]+ TABLE [^D]/ { tables++ } /^[0-9]/ { entries++ }
  END { printf "counted %d %d %d\n", entries, tables, data }'
`;

export interface DumpList {
  /**
   * Only the header was read: the rest may be anything (docs/engineering/backups.md#what-listing-proves).
   */
  readonly ok: boolean;
  readonly message: string;
  readonly entries: number;
  /** The count in the header, which includes entries that are never listed. */
  readonly stated: number;
  readonly tables: number;
  readonly tableData: number;
  readonly database: string | undefined;
  readonly dumpedFrom: string | undefined;
  readonly dumpedBy: string | undefined;
}

/** Runs `pg_restore --list` of the server's image. */
export async function dumpList(engine: ChangingEngine, request: PartRequest): Promise<DumpList | NotAsked> {
  const result = await runWithBackup(engine, request, {
    shell: 'sh',
    script: dumpScript,
    stdin: `${helperPath(request.path)}\n${request.packing ?? ''}\n`,
    maxBytes: 64 * 1024,
  });
  if (isNotAsked(result)) return result;
  const { stdout, stderr } = result;
  const lacking = lackingProgram(request, stderr);
  if (lacking !== undefined) return lacking;
  const [, entries = '0', tables = '0', tableData = '0'] = /^counted (\d+) (\d+) (\d+)$/m.exec(stdout) ?? [];
  return {
    ok: /^status 0$/m.test(stderr),
    message: stderr
      .replace(/^status \d+$/m, '')
      .trim()
      .slice(0, 1_000),
    entries: Number(entries),
    stated: Number(headerValue(stdout, 'TOC Entries') ?? 0),
    tables: Number(tables),
    tableData: Number(tableData),
    database: headerValue(stdout, 'dbname'),
    dumpedFrom: headerValue(stdout, 'Dumped from database version'),
    dumpedBy: headerValue(stdout, 'Dumped by pg_dump version'),
  };
}

function headerValue(text: string, name: string): string | undefined {
  return new RegExp(`^;\\s+${name}: (.*)$`, 'm').exec(text)?.[1]?.trim();
}

/** pg_restore itself says whose rows it reads: in its SQL, names and rows may look like anything. */
const dumpReadScript = String.raw`${unpackedFunction}
IFS= read -r part; IFS= read -r packing
export LC_ALL=C
set -o pipefail
{ if [ -d "$part" ]; then pg_restore -v -f /dev/null "$part"
  elif [ -z "$packing" ]; then pg_restore -v -f /dev/null <"$part"
  else unpacked "$part" | { pg_restore -v -f /dev/null; status=$?; cat >/dev/null; exit $status; }; fi; } 2>&1 | awk '
  /^pg_restore: processing data for table "/ { copies++ } /^(needs|gzip:|zstd:|xz:|bzip2:|lz4:|\/\*stdin|pg_restore: (\[|error|warning|fatal|detail|hint))/ { if (says++ < 20) print "says " substr($0, 1, 400) }
  END { printf "copies %d\n", copies }'
echo "status ${'$'}{PIPESTATUS[0]}"
`;

export interface DumpRead {
  readonly ok: boolean;
  readonly message: string;
  /** Tables whose rows it contains. */
  readonly copies: number;
}

/** Converts the whole dump to SQL and discards it, which reads every block and checks the checksums of zlib. */
export async function dumpRead(engine: ChangingEngine, request: PartRequest): Promise<DumpRead | NotAsked> {
  const result = await runWithBackup(engine, request, {
    shell: 'bash',
    script: dumpReadScript,
    stdin: `${helperPath(request.path)}\n${request.packing ?? ''}\n`,
    maxBytes: 64 * 1024,
  });
  if (isNotAsked(result)) return result;
  const lines = result.stdout.split('\n');
  const lacking = lackingProgram(request, lines.map((line) => line.replace(/^says /, '')).join('\n'));
  if (lacking !== undefined) return lacking;
  return {
    ok: lines.includes('status 0'),
    message: lines
      .filter((line) => line.startsWith('says '))
      .map((line) => line.slice(5))
      .join('\n')
      .slice(0, 1_000),
    copies: Number(/^copies (\d+)$/m.exec(result.stdout)?.[1] ?? 0),
  };
}
