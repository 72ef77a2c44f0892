/*
 * A Node that is too old for the program loads this file, so it uses only what Node 16 has.
 */
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { homedir, constants } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Runs a script with the first Node that is new enough: on the PATH, else of a version manager or Homebrew. Tools such as
 * pre-commit run a program with whatever `node` is first on the PATH. Returns the exit code, or undefined if there is none.
 */
export function runWithNewerNode(
  words: readonly string[],
  isNewEnough: (version: string) => boolean,
  environment: Environment = process.env,
): Promise<number | undefined> {
  const node = candidates(environment).find((file) => isNewEnough(versionOf(file)));
  if (node === undefined) return Promise.resolve(undefined);
  const child = spawn(node, words, { stdio: 'inherit' });
  const forward = (signal: NodeJS.Signals): void => void child.kill(signal);
  // Ctrl-C reaches the child by itself.
  const ignored = (): void => {};
  process.on('SIGINT', ignored).on('SIGTERM', forward).on('SIGHUP', forward);
  return new Promise((resolve) => {
    child.on('error', () => resolve(undefined));
    child.on('close', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
}

/** Programs that may be Node, in the order in which they are tried. */
function candidates(environment: Environment): readonly string[] {
  const home = environment['HOME'] ?? homedir();
  const data = environment['XDG_DATA_HOME'] || join(home, '.local/share');
  const onPath = (environment['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => isAbsolute(folder))
    .flatMap((folder) => ['node', 'node24', 'node22', 'nodejs'].map((name) => join(folder, name)));
  const managed = [
    join(environment['NVM_DIR'] || join(home, '.nvm'), 'versions/node/*/bin/node'),
    join(environment['FNM_DIR'] || join(data, 'fnm'), 'node-versions/*/installation/bin/node'),
    join(environment['VOLTA_HOME'] || join(home, '.volta'), 'tools/image/node/*/bin/node'),
    join(environment['ASDF_DATA_DIR'] || join(home, '.asdf'), 'installs/nodejs/*/bin/node'),
    join(environment['MISE_DATA_DIR'] || join(data, 'mise'), 'installs/node/*/bin/node'),
    join(environment['N_PREFIX'] || '/usr/local', 'n/versions/node/*/bin/node'),
  ].flatMap(installed);
  const prefix = environment['HOMEBREW_PREFIX'];
  const brewed = (
    prefix === undefined ? ['/opt/homebrew', '/usr/local', '/home/linuxbrew/.linuxbrew'] : [prefix]
  ).flatMap((folder) => ['node@24', 'node@22', 'node'].map((name) => join(folder, 'opt', name, 'bin/node')));
  return [...onPath, ...managed, ...brewed];
}

/** The paths that match a pattern with one `*` for a folder, the newest version first. */
function installed(pattern: string): readonly string[] {
  const [above = '', below = ''] = pattern.split('/*/');
  try {
    const versions = new Intl.Collator('en', { numeric: true });
    return readdirSync(above)
      .sort((a, b) => versions.compare(b, a))
      .map((name) => join(above, name, below));
  } catch {
    return [];
  }
}

function versionOf(node: string): string {
  const { stdout, status } = spawnSync(node, ['--version'], { encoding: 'utf8', timeout: 5000 });
  return status === 0 ? stdout.trim().replace(/^v/, '') : '';
}
