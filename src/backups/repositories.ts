import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { compareText } from '../util/compare.ts';
import { isWithin } from '../util/text.ts';
import { shellQuote } from '../util/quote.ts';
import type { BackupRepository } from './types.ts';

const mostNames = 1_000;

/**
 * Recognizes the repository of another backup tool by its structure; undefined if the folder is none. Only that tool knows whether
 * its backups are complete, so its own command is what proves them.
 */
export async function repositoryIn(path: string): Promise<BackupRepository | undefined> {
  const top = await names(path);
  if (top.includes('archive') && top.includes('backup')) {
    const stanzas = await holding(join(path, 'backup'), (inside) => inside.includes('backup.info'));
    if (stanzas.length > 0)
      return {
        tool: 'pgBackRest',
        path,
        names: stanzas,
        commands: stanzas.flatMap((stanza) => [
          `pgbackrest --stanza=${shellQuote(stanza)} check`,
          `pgbackrest --stanza=${shellQuote(stanza)} verify`,
        ]),
      };
  }
  if (top.includes('basebackups_005'))
    return {
      tool: 'WAL-G',
      path,
      names: [],
      commands: [`WALG_FILE_PREFIX=${shellQuote(path)} wal-g wal-verify integrity timeline`],
    };
  const servers = await holding(path, (inside) => inside.includes('wals') && inside.includes('base'));
  if (servers.length === 0) return undefined;
  return {
    tool: 'Barman',
    path,
    names: servers,
    commands: servers.flatMap((server) => [
      `barman check ${shellQuote(server)}`,
      `barman verify-backup ${shellQuote(server)} latest`,
    ]),
  };
}

/** One clause: where it is, and what proves it. */
export function repositoryText({ tool, path, commands }: BackupRepository): string {
  return `a ${tool} repository is in ${path}, and only ${tool} can prove it: ${commands.slice(0, 4).join(' && ')}`;
}

/** Those in a backup folder itself, which may be of any instance, or in the folder of this one. */
export function repositoriesOf(
  instance: string,
  repositories: readonly BackupRepository[],
  folders: readonly string[],
): readonly BackupRepository[] {
  return repositories.filter(({ path }) =>
    folders.some((folder) => path === folder || isWithin(path, join(folder, instance))),
  );
}

/** The folders in a folder whose own entries are as wanted. */
async function holding(path: string, isWanted: (names: readonly string[]) => boolean): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of await names(path)) if (isWanted(await names(join(path, name)))) found.push(name);
  return found;
}

async function names(path: string): Promise<readonly string[]> {
  const found = await readdir(path, { withFileTypes: true }).catch(() => []);
  return found
    .filter((entry) => !entry.isSymbolicLink())
    .map(({ name }) => name)
    .toSorted(compareText)
    .slice(0, mostNames);
}
