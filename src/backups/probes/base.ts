import type { ChangingEngine } from '../../host/docker/client.ts';
import { runWithBackup, helperPath, isNotAsked, type NotAsked, type PartRequest } from './dump.ts';
import { ownFiles } from '../parts.ts';

const script = String.raw`
IFS= read -r part
export LC_ALL=C
cat "$part/PG_VERSION" | sed 's/^/version /'
pg_controldata "$part" 2>/dev/null | sed -n 's/^Database system identifier: */identifier /p'
set -- -e
for name in ${ownFiles.join(' ')}; do [ ! -e "$part/$name" ] || set -- "$@" -i "$name"; done
pg_verifybackup "$@" "$part" >&2
echo "status $?"
`;

export interface VerifiedBaseBackup {
  readonly ok: boolean;
  /** The errors of pg_verifybackup, one per line. */
  readonly message: string;
  readonly systemIdentifier: string | undefined;
}

/** Runs `pg_verifybackup`, which compares every file with the manifest and checks the WAL that the backup needs. */
export async function verifyBaseBackup(
  engine: ChangingEngine,
  request: PartRequest,
): Promise<VerifiedBaseBackup | NotAsked> {
  const result = await runWithBackup(engine, request, {
    shell: 'sh',
    script,
    stdin: `${helperPath(request.path)}\n`,
    maxBytes: 256 * 1024,
  });
  if (isNotAsked(result)) return result;
  return {
    ok: /^status 0$/m.test(result.stdout) && result.stderr.includes('backup successfully verified'),
    message: result.stderr.trim().slice(0, 2_000),
    systemIdentifier: /^identifier (\d+)$/m.exec(result.stdout)?.[1],
  };
}
