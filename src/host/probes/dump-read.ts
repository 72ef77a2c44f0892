import type { ChangingEngine } from '../docker/client.ts';
import { beside, inHelper, isNotAsked, type NotAsked, type PartRequest } from './backup-part.ts';

/** The status is written aside: that of a pipe is its last program's. */
const script = String.raw`
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
    script,
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
