import { realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { readTextIfPossible } from '../read-file.ts';

/** In bytes. A larger config file is not read. */
const largest = 256 * 1024;

/** As deep as git follows `include.path`. */
const deepest = 10;

/** Included ones and the file itself. */
const mostFiles = 100;

/** In characters, with quotes and escapes. A longer value is no path: Linux has 4,096 bytes for one. */
const longestPath = 8_192;

/**
 * The file of patterns that git ignores in every repository of a user: `core.excludesFile`, else `git/ignore` in the
 * user's config folder (gitignore(5)). It is read from the same files as git reads, in the same order, but neither
 * conditional includes nor the config of a worktree or submodule count. Undefined if there is no such file.
 * @param repository The folder that contains `.git`, absolute.
 */
export function userExcludes(
  repository: string | undefined,
  environment: NodeJS.ProcessEnv = process.env,
): string | undefined {
  const home = environment['HOME'] ?? homedir();
  const stated = configFiles(repository, home, environment).flatMap((file) => excludesIn(file, home));
  const file = stated.at(-1) ?? join(settingsFolder(home, environment), 'git/ignore');
  if (file === '') return undefined;
  const path = resolve(repository ?? home, atHome(file, home));
  // A link into a repository of dotfiles is usual.
  return isFile(path) ? realpathSync.native(path) : undefined;
}

/** From the weakest to the strongest: git-config(1), "Files". */
function configFiles(repository: string | undefined, home: string, environment: NodeJS.ProcessEnv): readonly string[] {
  const system = environment['GIT_CONFIG_NOSYSTEM'] === undefined;
  const global = environment['GIT_CONFIG_GLOBAL'];
  return [
    ...(system ? [environment['GIT_CONFIG_SYSTEM'] ?? '/etc/gitconfig'] : []),
    ...(global === undefined
      ? [join(settingsFolder(home, environment), 'git/config'), join(home, '.gitconfig')]
      : [global]),
    ...(repository === undefined ? [] : [join(repository, '.git/config')]),
  ];
}

function settingsFolder(home: string, { XDG_CONFIG_HOME: folder = '' }: NodeJS.ProcessEnv): string {
  return folder === '' ? join(home, '.config') : folder;
}

/** Each value of `core.excludesFile` in a config file and in those that it includes, in order. */
function excludesIn(first: string, home: string): readonly string[] {
  const values: string[] = [];
  // Files that include each other, or themselves a hundred times, end here.
  let left = mostFiles;

  function read(file: string, depth: number): void {
    if (left === 0) return;
    left -= 1;
    let section = '';
    for (const line of (readTextIfPossible(file, { most: largest }) ?? '').replaceAll(/\\\r?\n/g, '').split(/\r?\n/)) {
      const [, header, rest = line] = /^\s*\[([^\]"]*)(?:"(?:[^"\\]|\\.)*"\s*)?\](.*)$/.exec(line) ?? [];
      // A section with a name in quotes, such as [includeIf "…"], is another one.
      if (header !== undefined) section = line.includes('"', line.indexOf('[')) ? '' : header.trim().toLowerCase();
      const [, name = '', value = ''] = /^\s*([a-z][\w-]*)\s*=(.*)$/i.exec(rest) ?? [];
      if (value.length > longestPath) continue;
      const key = `${section}.${name.toLowerCase()}`;
      if (key === 'core.excludesfile') values.push(unquoted(value));
      if (key === 'include.path' && depth < deepest)
        read(resolve(dirname(file), atHome(unquoted(value), home)), depth + 1);
    }
  }

  read(first, 0);
  return values;
}

/** A value without quotes, escapes and its comment (git-config(1), "Syntax"). */
function unquoted(value: string): string {
  const parts = value.matchAll(/"((?:[^"\\]|\\.)*)"|[#;].*$|([^"#;]+)/g);
  const text = Array.from(parts, ([, quoted, plain]) => quoted ?? plain ?? '').join('');
  return text.trim().replaceAll(/\\(.)/g, '$1');
}

function atHome(path: string, home: string): string {
  return path.startsWith('~/') ? join(home, path.slice(2)) : path;
}

function isFile(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isFile() === true;
}
