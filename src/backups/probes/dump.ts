import { ProblemsError } from '../../errors.ts';
import { oneLine } from '../../util/text.ts';
import type { ChangingEngine } from '../../host/docker/client.ts';
import type { HelperResult, HelperSpec } from '../../host/docker/types.ts';
import { runHelper } from '../../host/exec.ts';
import type { BackupCause, BackupKind } from '../types.ts';

/** One restorable thing, where the engine's machine has it. */
export interface PartRequest {
  /** The backup's folder, absolute, as the engine's machine sees it. */
  readonly folder: string;
  readonly path: string;
  readonly kind: BackupKind;
  /** Of the server that the backup is of, or of one of its major version. */
  readonly image: string;
  readonly timeoutMs: number;
}

/** What could not be asked, in place of an answer. */
export interface NotAsked {
  readonly impossible: BackupCause;
  readonly says: string;
}

/**
 * A helper that has the backup mounted read-only: nothing of it passes through this process. It reads what others own,
 * and ends by itself, since nobody may be left to end it.
 */
export async function beside(
  engine: ChangingEngine,
  request: Pick<PartRequest, 'folder' | 'image' | 'timeoutMs'>,
  spec: Pick<HelperSpec, 'stdin' | 'scratch' | 'capabilities' | 'maxBytes'> & {
    readonly script: string;
    readonly shell: 'sh' | 'bash';
  },
): Promise<HelperResult | NotAsked> {
  if (!engine.local)
    return {
      impossible: 'remote-engine',
      says: 'The engine runs on another machine, and the backup lies on this one.',
    };
  const seconds = Math.max(1, Math.ceil(request.timeoutMs / 1000));
  const { script, shell, ...rest } = spec;
  try {
    const result = await runHelper(engine, {
      image: request.image,
      command: ['timeout', '-s', 'KILL', String(seconds), shell, '-c', script],
      mounts: [{ type: 'bind', source: request.folder, target: '/backup', readonly: true }],
      timeoutMs: seconds * 1000 + 20_000,
      ...rest,
      capabilities: ['DAC_READ_SEARCH', ...(rest.capabilities ?? [])],
    });
    return result.exitCode === 137 ? { impossible: 'time-out', says: `no end within ${seconds} s` } : result;
  } catch (error) {
    if (error instanceof ProblemsError && error.code === 'engine-refused')
      return { impossible: 'unreadable', says: error.message };
    throw error;
  }
}

export function isNotAsked(answer: object): answer is NotAsked {
  return 'impossible' in answer;
}

/** Where the helper sees it; a path of a backup holds no line feed. */
export function inHelper(path: string): string {
  return path === '.' ? '/backup' : `/backup/${oneLine(path)}`;
}

/** The table of contents, counted: it can be as long as the database has objects. */
const dumpScript = String.raw`
IFS= read -r part
export LC_ALL=C
{ if [ -d "$part" ]; then pg_restore --list "$part"; else pg_restore --list <"$part"; fi; echo "status $?" >&2; } | awk '
  /^;/ { if (head++ < 30) print substr($0, 1, 300); next }
  /^[0-9]+; [0-9]+ [0-9]+ TABLE DATA / { data++ } /^[0-9]+; [0-9]+ [0-9]+ TABLE [^D]/ { tables++ } /^[0-9]/ { entries++ }
  END { printf "counted %d %d %d\n", entries, tables, data }'
`;

export interface DumpList {
  /**
   * Nothing but the header was read: bytes beyond it may be anything (docs/engineering/backups.md#what-listing-proves).
   */
  readonly ok: boolean;
  readonly message: string;
  readonly entries: number;
  /** As its header counts them, with those that are never listed: even an empty database has some. */
  readonly stated: number;
  readonly tables: number;
  readonly tableData: number;
  readonly database: string | undefined;
  readonly dumpedFrom: string | undefined;
  readonly dumpedBy: string | undefined;
}

/** `pg_restore --list` of the server's own image. */
export async function dumpList(engine: ChangingEngine, request: PartRequest): Promise<DumpList | NotAsked> {
  const result = await beside(engine, request, {
    shell: 'sh',
    script: dumpScript,
    stdin: `${inHelper(request.path)}\n`,
    maxBytes: 64 * 1024,
  });
  if (isNotAsked(result)) return result;
  const { stdout, stderr } = result;
  const [, entries = '0', tables = '0', tableData = '0'] = /^counted (\d+) (\d+) (\d+)$/m.exec(stdout) ?? [];
  return {
    ok: /^status 0$/m.test(stderr),
    message: stderr
      .replace(/^status \d+$/m, '')
      .trim()
      .slice(0, 1_000),
    entries: Number(entries),
    stated: Number(headed(stdout, 'TOC Entries') ?? 0),
    tables: Number(tables),
    tableData: Number(tableData),
    database: headed(stdout, 'dbname'),
    dumpedFrom: headed(stdout, 'Dumped from database version'),
    dumpedBy: headed(stdout, 'Dumped by pg_dump version'),
  };
}

function headed(text: string, name: string): string | undefined {
  return new RegExp(`^;\\s+${name}: (.*)$`, 'm').exec(text)?.[1]?.trim();
}

/** The status is written aside: that of a pipe is its last program's. */
const dumpReadScript = String.raw`
IFS= read -r part
export LC_ALL=C
{ if [ -d "$part" ]; then pg_restore -f - "$part"; else pg_restore -f - <"$part"; fi; echo "status $?" >&2; } |
  awk '/^COPY .* FROM stdin;$/ { copies++ } END { printf "copies %d\n", copies }'
`;

export interface DumpRead {
  readonly ok: boolean;
  readonly message: string;
  /** Tables whose rows it holds. */
  readonly copies: number;
}

/** Unpacks the whole dump as SQL and throws it away: every block is read, and zlib's sums are checked. */
export async function dumpRead(engine: ChangingEngine, request: PartRequest): Promise<DumpRead | NotAsked> {
  const result = await beside(engine, request, {
    shell: 'sh',
    script: dumpReadScript,
    stdin: `${inHelper(request.path)}\n`,
    maxBytes: 64 * 1024,
  });
  if (isNotAsked(result)) return result;
  const status = /^status (\d+)$/m.exec(result.stderr)?.[1];
  return {
    ok: status === '0',
    message: result.stderr
      .replace(/^status \d+$/m, '')
      .trim()
      .slice(0, 1_000),
    copies: Number(/^copies (\d+)$/m.exec(result.stdout)?.[1] ?? 0),
  };
}
