import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readRegularFile } from '../../src/read-file.ts';
import { main } from '../../src/cli/main.ts';
import { bin, temporaryFolder } from '../cli/run.ts';
import { programFile } from '../programs.ts';
import { record } from '../scan/tree.ts';
import type { Command, Ended } from './reads-child.ts';

/** What an author of a repository, or another user, can put where the program expects a file. */
const kinds: Readonly<Record<string, (file: string) => unknown>> = {
  'a named pipe': (file) => execFileSync('mkfifo', [file]),
  'a link to an endless device': (file) => symlinkSync('/dev/zero', file),
  'a file of a terabyte': (file) => {
    writeFileSync(file, '# '.padEnd(2 ** 19, 'a'));
    truncateSync(file, 2 ** 40);
  },
  'a socket': async (file) => {
    const server = createServer().unref();
    await new Promise<void>((resolve) => void server.listen(file, resolve));
    onTestFinished(() => void server.close());
  },
  'a folder': (file) => mkdirSync(file),
};

/** A file that a command opens without being asked for it, and how the command ends if it is none. */
interface Place {
  readonly path: string;
  readonly command: readonly string[];
  /** Exit code, and what one of the outputs says. Default: as without the file. */
  readonly ends?: readonly [code: number, says: RegExp];
}

const places: readonly Place[] = [
  { path: 'problems.config.yaml', command: ['validate'], ends: [2, /problems\.config\.yaml (?:is|cannot be read)/] },
  { path: 'problems.config.json', command: ['scan'], ends: [2, /problems\.config\.json (?:is|cannot be read)/] },
  { path: '.git/info/exclude', command: ['validate'] },
  { path: '.git/info/exclude', command: ['scan', '--no-cache'] },
  { path: '.git/config', command: ['validate'] },
  { path: '.gitignore', command: ['validate'] },
  { path: '.ignore', command: ['scan'] },
  { path: 'more/.git', command: ['validate'] },
  { path: 'other.md', command: ['validate', 'other.md'], ends: [2, /cannot be read|not read/] },
  {
    path: 'attempts.jsonl',
    command: ['learn', 'import', 'attempts.jsonl'],
    ends: [2, /attempts\.jsonl is .*, not a file/],
  },
];

/** The kinds that wait or never end, everywhere; the others where a config and an ignore file are read. */
function placesFor(kind: string): readonly Place[] {
  return kind === 'a named pipe' || kind === 'a link to an endless device'
    ? places
    : [...places.slice(0, 1), ...places.slice(2, 3)];
}

/** Ended after a minute, in which a bounded read has long ended, on a busy machine too. Half a gigabyte is enough for any. */
function problems(args: readonly string[], cwd: string): Promise<readonly [code: unknown, output: string]> {
  return node([bin, ...args], cwd);
}

/** The same for a command in each of several folders, in one process: what it says of each, or why it did not end. */
async function problemsInEach(commands: readonly Command[], cwd: string): Promise<readonly Ended[]> {
  const [code, output] = await node([programFile('test/security/reads-child.ts'), JSON.stringify(commands)], cwd);
  if (code !== 0) throw new Error(`The process ended with ${String(code)}: ${output}`);
  return JSON.parse(output);
}

function node(args: readonly string[], cwd: string): Promise<readonly [code: unknown, output: string]> {
  const options = { cwd, timeout: 60_000, killSignal: 'SIGKILL', env: { ...process.env, HOME: cwd } } as const;
  const words = ['--max-old-space-size=512', ...args];
  return new Promise((resolve) => {
    execFile(process.execPath, words, options, (error, stdout, stderr) =>
      resolve([error === null ? 0 : (error.code ?? error.signal), stdout + stderr]),
    );
  });
}

describe.each(Object.entries(kinds))('%s', (name, make) => {
  it(
    'in the place of a file ends every command, with a reason if the file mattered',
    { timeout: 600_000 },
    async () => {
      await using all = temporaryFolder();
      const commands: Command[] = [];
      for (const [index, { path, command }] of placesFor(name).entries()) {
        const cwd = join(all.path, String(index));
        all.write(`${index}/PROBLEMS.md`, record('One'));
        all.write(`${index}/.git/HEAD`, 'ref: refs/heads/main\n');
        mkdirSync(dirname(join(cwd, path)), { recursive: true });
        await make(join(cwd, path));
        commands.push({ cwd, args: command });
      }
      const ended = await problemsInEach(commands, all.path);
      for (const [index, { path, command, ends: [code, says] = [0, /no errors/] }] of placesFor(name).entries())
        expect({ path, command, ...ended[index] }).toMatchObject({ code, output: expect.stringMatching(says) });
    },
  );
});

describe('a registry', () => {
  it('that is a terabyte long is refused without being searched', async () => {
    await using folder = temporaryFolder({ 'PROBLEMS.md': '# Problems\n' });
    truncateSync(join(folder.path, 'PROBLEMS.md'), 2 ** 40);
    const [code, output] = await problems(['validate'], folder.path);
    expect([code, output]).toEqual([1, expect.stringContaining('larger than 64 MB')]);
  });

  it('that was replaced by a pipe is not fixed, and nothing waits', async () => {
    await using folder = temporaryFolder({ 'PROBLEMS.md': record('One') });
    rmSync(join(folder.path, 'PROBLEMS.md'));
    execFileSync('mkfifo', [join(folder.path, 'PROBLEMS.md')]);
    const [code, output] = await problems(['new', 'active', '--into', 'PROBLEMS.md'], folder.path);
    expect([code, output]).toEqual([2, expect.stringContaining('it is a named pipe, not a regular file')]);
  });

  it('from a standard input without end is refused', async () => {
    let sent = 0;
    const endless = new Readable({
      read() {
        sent += 2 ** 20;
        this.push(Buffer.alloc(2 ** 20, 0x61));
      },
    });
    const nowhere = () => new Writable({ write: (_chunk, _encoding, done) => done() });
    const streams = { stdin: endless, stdout: nowhere(), stderr: nowhere() };
    const code = await main({ argv: ['validate', '-'], cwd: '/', env: {}, streams, now: () => new Date(0) });
    expect(code).toBe(2);
    expect(sent).toBeLessThan(80 * 2 ** 20);
  });
});

describe('a task file', () => {
  it('that is not a regular file is noted and not read', async () => {
    await using folder = temporaryFolder({
      'PROBLEMS.md': record('One'),
      'problems.config.yaml': 'tasks: { dir: tasks }\n',
      'tasks/backlog/people/.keep': '',
    });
    execFileSync('mkfifo', [join(folder.path, 'tasks/backlog/people/pipe.yaml')]);
    symlinkSync('/dev/zero', join(folder.path, 'tasks/backlog/people/zero.yaml'));
    const [code, output] = await problems(['scan', '--write-tasks', 'tasks'], folder.path);
    expect(code).toBe(0);
    expect(output).toMatch(/people\/pipe\.yaml.*not a regular file/);
    expect(output).toMatch(/people\/zero\.yaml.*not a regular file/);
  });
});

describe('readRegularFile', () => {
  it('reads no more than it may from a file that states no size', async () => {
    const read = readRegularFile('/proc/kallsyms', { most: 1000 });
    expect(read).toMatchObject({ type: 'read', isWhole: false });
    expect(read.type === 'read' && read.bytes.length).toBe(1000);
  });

  it('reads a whole file of exactly the most bytes', async () => {
    await using folder = temporaryFolder({ 'a.txt': 'twelve bytes' });
    const file = join(folder.path, 'a.txt');
    expect(readRegularFile(file, { most: 12 })).toMatchObject({ isWhole: true, bytes: Buffer.from('twelve bytes') });
    expect(readRegularFile(file, { most: 11 })).toMatchObject({ isWhole: false, bytes: Buffer.from('twelve byte') });
  });

  it('follows a link only if it may', async () => {
    await using folder = temporaryFolder({ 'a.txt': 'text' });
    symlinkSync('a.txt', join(folder.path, 'link'));
    expect(readRegularFile(join(folder.path, 'link'), { most: 99 })).toMatchObject({ type: 'read' });
    expect(() => readRegularFile(join(folder.path, 'link'), { most: 99, followLink: false })).toThrow('ELOOP');
  });
});
