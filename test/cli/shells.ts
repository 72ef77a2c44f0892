import { spawnSync } from 'node:child_process';
import { expect } from 'vitest';
import { bin, run, spawned, temporaryFolder } from './run.ts';

type Shell = 'bash' | 'zsh' | 'fish';

export function isInstalled(shell: Shell): boolean {
  return spawnSync(shell, ['--version']).status === 0;
}

const scripts = new Map<Shell, ReturnType<typeof run>>();

async function scriptFor(shell: Shell): Promise<string> {
  const made = scripts.get(shell) ?? run(['completion', shell]);
  scripts.set(shell, made);
  return (await made).stdout;
}

/** What bash would offer for the last of these words, split as bash splits them, with the real script loaded. */
export async function offeredByBash(...words: readonly string[]): Promise<readonly string[]> {
  const script = await scriptFor('bash');
  const line = words.map((word) => `'${word}'`).join(' ');
  const ask = `COMP_WORDS=(problems ${line}); COMP_CWORD=${words.length}; _problems; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return linesOf('bash', ['--norc', '-c', `${script}\n${ask}`]);
}

/** The same in a folder, where the script asks the program itself for names. */
export async function askedByBash(cwd: string, ...words: readonly string[]): Promise<readonly string[]> {
  const line = words.map((word) => `'${word}'`).join(' ');
  const program = `problems() { '${process.execPath}' '${bin}' "$@"; }`;
  const ask = `COMP_WORDS=(problems ${line}); COMP_CWORD=${words.length}; _problems; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return linesOf('bash', ['--norc', '-c', `${program}\n${await scriptFor('bash')}\n${ask}`], cwd);
}

/** What fish would offer at the end of a line, with the real script loaded. */
export async function offeredByFish(line: string): Promise<readonly string[]> {
  await using folder = await withScript('fish');
  const lines = await linesOf('fish', [
    '--no-config',
    '-c',
    'source $argv[1]; complete -C $argv[2]',
    folder.file,
    line,
  ]);
  return lines.map((offer) => offer.split('\t')[0] ?? '');
}

/** Types a line into a real zsh, presses Tab, and prints the resulting line. */
const typeIntoZsh = `
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "PROMPT= RPROMPT= TERM=dumb; unsetopt zle_bracketed_paste; $1; bindkey '^I' complete-word
  show() { print -r -- \\"LINE<\\$BUFFER>\\" }; zle -N show; bindkey '^X' show; print -r REA''DY"
while zpty -r z line; do [[ $line == *READY* ]] && break; done
zpty -w -n z "$2"$'\\t\\x18'
while zpty -r z line; do
  [[ $line == *'LINE<'* ]] && { print -r -- \${\${line#*LINE<}%>*}; break }
done
zpty -d z
`;

/** @param how `source`: as in ~/.zshrc, after compinit. `fpath`: as a file of a folder that compinit looks into. */
export async function completedByZsh(line: string, how: 'source' | 'fpath' = 'source'): Promise<string | undefined> {
  await using folder = await withScript('zsh');
  const init = 'autoload -Uz compinit; compinit -u -D';
  const load = how === 'source' ? `${init}; source ${folder.file}` : `fpath=(${folder.path} $fpath); ${init}`;
  return (await linesOf('zsh', ['-f', '-c', typeIntoZsh, 'zsh', load, line]))[0];
}

async function withScript(shell: Shell) {
  const folder = temporaryFolder({ _problems: await scriptFor(shell) });
  return { ...folder, file: `${folder.path}/_problems`, [Symbol.asyncDispose]: folder[Symbol.asyncDispose] };
}

async function linesOf(shell: Shell, args: readonly string[], cwd?: string): Promise<readonly string[]> {
  const { code, stdout, stderr } = await spawned(shell, args, cwd === undefined ? {} : { cwd });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout.split('\n').filter((line) => line !== '');
}
