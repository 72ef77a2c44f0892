import type { BackupCause, BackupKind } from '../../backups/types.ts';
import { ProblemsError } from '../../errors.ts';
import type { ChangingEngine } from '../docker/client.ts';
import type { HelperResult, HelperSpec } from '../docker/types.ts';
import { runHelper } from '../exec.ts';

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

export function oneLine(text: string): string {
  return text.replaceAll(/[\r\n\0]/g, '');
}
