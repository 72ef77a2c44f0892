import type { ChangingEngine } from '../../host/docker/client.ts';
import { beside, inHelper, isNotAsked, type NotAsked, type PartRequest } from '../../host/probes/backup-part.ts';

/** The table of contents, counted: it can be as long as the database has objects. */
const script = String.raw`
IFS= read -r part
export LC_ALL=C
{ if [ -d "$part" ]; then pg_restore --list "$part"; else pg_restore --list <"$part"; fi; echo "status $?" >&2; } | awk '
  /^;/ { if (head++ < 30) print substr($0, 1, 300); next }
  /^[0-9]+; [0-9]+ [0-9]+ TABLE DATA / { data++ } /^[0-9]+; [0-9]+ [0-9]+ TABLE [^D]/ { tables++ } /^[0-9]/ { entries++ }
  END { printf "counted %d %d %d\n", entries, tables, data }'
`;

export interface DumpList {
  /** Nothing but the header was read: bytes beyond it may be anything (PGOPS §0.8). */
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
    script,
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
