import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The root of the repository. */
export const root = join(import.meta.dirname, '../..');

/**
 * A fenced block of a page that shows a session: the words after `console` in its info string say where its commands
 * run. None: in a folder of the page's own. `checkout`: in this repository. `lab`: in the project of a lab scenario.
 */
export type Place = 'own' | 'checkout' | 'lab';

/** Runs one command line of a session and returns everything it prints. */
export type RunCommand = (command: string) => Promise<string>;

const session = /^(?<open>(?<fence>`{3,})console(?: (?<place>\w+))?\n)(?<body>[^]*?)^\k<fence>$/gm;
const example = /^<!-- file: (?<name>\S+) -->\n+(?<fence>`{3,})\w+\n(?<body>[^]*?)^\k<fence>$/gm;

/** Every Markdown page that people write: README.md and docs, without the generated reference. Paths from the root. */
export function pages(): readonly string[] {
  const docs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' });
  return ['README.md', ...docs.filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)]
    .filter((name) => !name.startsWith('docs/reference/'))
    .toSorted();
}

export function readPage(name: string): string {
  return readFileSync(join(root, name), 'utf8');
}

/** Whether a page has a session that runs there. */
export function hasSession(text: string, place: Place): boolean {
  return [...text.matchAll(session)].some(({ groups }) => (groups?.['place'] ?? 'own') === place);
}

/** Writes the files that a page shows, those below a comment `<!-- file: path -->`, to a folder. */
export function writeExamples(text: string, folder: string): void {
  for (const { groups } of text.matchAll(example)) {
    const path = join(folder, groups?.['name'] ?? '');
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, groups?.['body'] ?? '');
  }
}

/** The page with the output of every session of one place replaced by what its commands print now. */
export async function captureSessions(text: string, place: Place, run: RunCommand): Promise<string> {
  const parts: string[] = [];
  let end = 0;
  for (const { groups, index, 0: all } of text.matchAll(session)) {
    if ((groups?.['place'] ?? 'own') !== place) continue;
    parts.push(text.slice(end, index), groups?.['open'] ?? '', await capture(groups?.['body'] ?? '', run));
    end = index + all.length;
    parts.push(groups?.['fence'] ?? '');
  }
  return [...parts, text.slice(end)].join('');
}

async function capture(body: string, run: RunCommand): Promise<string> {
  const shown: string[] = [];
  for (const line of body.split('\n').filter((one) => one.startsWith('$ '))) {
    const output = (await run(line.slice(2))).trimEnd();
    shown.push(output === '' ? `${line}\n` : `${line}\n${output}\n\n`);
  }
  return `${shown.join('').trimEnd()}\n`;
}
