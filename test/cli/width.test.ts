import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { commandNames } from '../../src/cli/commands/index.ts';
import { main } from '../../src/cli/main.ts';
import { widthOf } from '../../src/reporters/wrap-text.ts';
import { run, temporaryFolder } from './run.ts';

const fixtures = join(import.meta.dirname, '../../fixtures');

/** What a command prints to a terminal of this width. */
async function onTerminal(columns: number, ...argv: readonly string[]): Promise<string> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()].map((stream) =>
    Object.assign(stream, { isTTY: true, columns }),
  );
  if (stdout === undefined || stderr === undefined) throw new TypeError('two streams');
  const printed = text(stdout);
  stderr.resume();
  await main({
    argv,
    cwd: fixtures,
    env: { TERM: 'xterm' },
    streams: { stdin: new PassThrough(), stdout, stderr },
    now: () => new Date('2026-01-15T12:00:00Z'),
  });
  stdout.end();
  return printed;
}

describe('the tasks of a scan on a terminal', () => {
  it.each([80, 100, 120, 160])('show every id whole and on one line at %i columns', async (columns) => {
    const drawn = stripVTControlCharacters(await onTerminal(columns, 'scan', '--no-cache'));
    const { tasks } = JSON.parse(await onTerminal(columns, 'scan', '--no-cache', '--json'));
    expect(tasks.length).toBeGreaterThan(10);
    const words = drawn.split(/[\s│]+/);
    for (const { problem } of tasks) expect(words).toContain(problem);
    for (const line of drawn.split('\n')) expect(widthOf(line)).toBeLessThanOrEqual(columns);
  });

  it('take two lines each at 80 columns', async () => {
    const drawn = await onTerminal(80, 'scan', '--no-cache', '--top', '5');
    expect(drawn.trimEnd().split('\n')).toHaveLength(1 + 2 * 5);
    expect(drawn).toContain('…');
  });

  it('colour bands and automation', async () => {
    const drawn = await onTerminal(160, 'scan', '--no-cache');
    expect(drawn).toContain('\u001b[33mhigh\u001b[39m');
    expect(drawn).toContain('\u001b[32mauto\u001b[39m');
    expect(drawn).toContain('\u001b[1mhuman\u001b[22m');
  });
});

describe('explain on a terminal', () => {
  it.each([80, 100, 120])('wraps between words at %i columns', async (columns) => {
    const wide = stripVTControlCharacters(await onTerminal(1000, 'explain', 'postgres/port-allocation-conflicts'));
    const drawn = stripVTControlCharacters(await onTerminal(columns, 'explain', 'postgres/port-allocation-conflicts'));
    for (const line of drawn.split('\n')) expect(widthOf(line)).toBeLessThanOrEqual(columns);
    expect(drawn.split(/\s+/).toSorted()).toEqual(wide.split(/\s+/).toSorted());
  });
});

describe('an id that is wider than the terminal', () => {
  it('stays whole in explain', async () => {
    await using folder = temporaryFolder();
    const id = `root/${'long-'.repeat(20)}id`;
    const values = [`id=${id}`, 'title=Long', 'status=active', 'severity=high', 'frequency=rare', 'impact=cosmetic'];
    const set = values.flatMap((value) => ['--set', value]);
    await run(['new', 'active', '--into', 'PROBLEMS.md', ...set], { cwd: folder.path });
    const drawn = await onTerminal(80, 'explain', id, join(folder.path, 'PROBLEMS.md'));
    expect(stripVTControlCharacters(drawn).split(/\s+/)).toContain(id);
  });
});

describe('help on a terminal', () => {
  it.each(commandNames)('of %s fits 80 columns, except for commands, which are copied', async (command) => {
    const lines = (await onTerminal(80, command, '--help')).split('\n');
    const examples = lines.slice(lines.indexOf('Examples:') + 1, lines.indexOf('Exit codes:'));
    for (const line of lines.filter((one) => !examples.includes(one))) expect(line.length).toBeLessThanOrEqual(80);
    for (const line of examples.filter((one) => one.length > 80)) expect(line).toMatch(/^ {2}\S/);
  });
});
