import { createHash } from 'node:crypto';
import { lstatSync, realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { z } from 'zod';
import { ProblemsError } from '../errors.ts';
import { readRegularFile } from '../read-file.ts';
import { checkConfig, largestConfig, readConfigFile } from './load.ts';

/**
 * Whether the code of a config may run: that of a config in JavaScript or TypeScript, and of the plugins that it names.
 * `listed`: if the user's own settings list it. `given`: the caller trusts it. `never`: a config that is code is
 * refused, and plugins are left out.
 */
export type Trust = 'listed' | 'given' | 'never';

type Environment = Readonly<Record<string, string | undefined>>;

/** Code that a config brings. */
export interface ConfigCode {
  /** The config file; absolute. */
  readonly file: string;
  /** What it is in messages: `problems.config.mjs is a program`. */
  readonly says: string;
  /** The one file that runs, if a digest of it is enough. */
  readonly digestOf: string | undefined;
}

/**
 * Refuses code that the user has not trusted, and code that someone else could have written.
 * @throws ProblemsError `bad-config`.
 */
export async function requireTrust(
  code: ConfigCode,
  trust: Trust,
  environment: Environment = process.env,
): Promise<void> {
  if (trust === 'never')
    throw new ProblemsError('bad-config', `${code.says}, and this command runs none.`, { hint: withoutCode });
  const caller = ['GIT_EXEC_PATH', 'GIT_INDEX_FILE', 'PRE_COMMIT'].find((name) => environment[name] !== undefined);
  if (caller !== undefined)
    throw new ProblemsError('bad-config', `${code.says}, and hooks run none (${caller} is set).`, {
      hint: withoutCode,
    });
  requireOwner(code.file, code.says);
  if (trust === 'given' || (await isListed(code, environment))) return;
  throw new ProblemsError('bad-config', `${code.says}, and you have not said that you trust it.`, {
    hint: `If you do, pass --trust-config, or list its folder in ~/.config/problems/config.yaml (docs/configuration.md). If not: ${withoutCode}`,
  });
}

const withoutCode = 'Write the settings as problems.config.yaml without code, or pass --no-config-lookup.';

/**
 * The rule of git's safe.directory: a file counts only if it, its folder and the `.git` of its repository belong to you or to
 * root, and not everybody may write to them.
 * @param says The beginning of the message.
 * @throws ProblemsError `bad-config`.
 */
export function requireOwner(file: string, says: string): void {
  const real = realpathSync(file);
  const git = gitAbove(dirname(real));
  const wanted: readonly (readonly [path: string, name: string])[] = [
    [real, 'the file'],
    [dirname(file), 'its folder'],
    [dirname(real), 'its folder'],
    ...(git === undefined ? [] : [[git, 'the .git of its repository'] as const]),
  ];
  for (const [path, name] of wanted) {
    const fault = ownerFault(path);
    if (fault === undefined) continue;
    throw new ProblemsError('bad-config', `${says}, but ${name} ${fault}`, {
      hint: 'Change the owner or the permissions if it is yours, or pass --no-config-lookup.',
    });
  }
}

function ownerFault(path: string): string | undefined {
  const user = process.geteuid?.();
  if (user === undefined) return undefined;
  const { uid, mode } = statSync(path);
  // Like git, accept the files of the user who called sudo.
  const caller = user === 0 ? Number(process.env['SUDO_UID'] ?? 0) : user;
  if (uid !== user && uid !== 0 && uid !== caller) return `belongs to another user (uid ${uid})`;
  return (mode & 0o002) === 0 ? undefined : 'can be written by everybody';
}

function gitAbove(folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const git = join(at, '.git');
    if (lstatSync(git, { throwIfNoEntry: false }) !== undefined) return git;
    if (at === dirname(at)) return undefined;
  }
}

const Settings = z.strictObject({
  trust: z
    .strictObject({
      folders: z.array(z.string().min(1).max(1000)).max(1000).exactOptional(),
      digests: z
        .array(z.string().regex(/^sha256:[0-9a-f]{64}$/, 'use sha256: and 64 hexadecimal digits'))
        .max(1000)
        .exactOptional(),
    })
    .exactOptional(),
});

/** The user's own settings: `problems/config.yaml` in `$XDG_CONFIG_HOME`, else in `~/.config`. */
function settingsFile(environment: Environment): string {
  const folder = environment['XDG_CONFIG_HOME'] ?? '';
  return join(isAbsolute(folder) ? folder : join(homeOf(environment), '.config'), 'problems/config.yaml');
}

function homeOf(environment: Environment): string {
  return environment['HOME'] ?? homedir();
}

async function isListed({ file, digestOf }: ConfigCode, environment: Environment): Promise<boolean> {
  const settings = settingsFile(environment);
  if (statSync(settings, { throwIfNoEntry: false }) === undefined) return false;
  requireOwner(settings, `${settings} is not read`);
  const { trust = {} } = checkConfig(Settings, await readConfigFile(settings, settings), { file: settings, keys: [] });
  const folder = dirname(realpathSync(file));
  const isBelow = (trust.folders ?? []).some((listed) => isWithin(folder, realPath(atHome(listed, environment))));
  return isBelow || (digestOf !== undefined && (trust.digests ?? []).includes(digest(digestOf)));
}

function atHome(folder: string, environment: Environment): string {
  return folder.startsWith('~/') ? join(homeOf(environment), folder.slice(2)) : folder;
}

/** Undefined if it does not exist, or is relative: relative to what would depend on the working folder. */
function realPath(folder: string): string | undefined {
  try {
    return isAbsolute(folder) ? realpathSync(folder) : undefined;
  } catch {
    return undefined;
  }
}

function isWithin(path: string, folder: string | undefined): boolean {
  if (folder === undefined) return false;
  const way = relative(folder, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function digest(file: string): string {
  const read = readRegularFile(file, { most: largestConfig });
  if (read.type === 'refused' || !read.isWhole) return '';
  return `sha256:${createHash('sha256').update(read.bytes).digest('hex')}`;
}
