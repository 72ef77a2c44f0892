import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { format } from 'prettier';
import { describe, expect, it } from 'vitest';
import { addRecord, moveRecord, resolveRecord, setEstimate, setField, setHeader } from '../../src/index.ts';
import { addErrorMessage, addItem } from '../../src/registry/edit/index.ts';
import { noteNewProblem } from '../../src/app/result-edits.ts';
import { blankRecord } from '../../src/registry/kinds/blank.ts';
import { kinds } from '../../src/registry/kinds/index.ts';
import { readRegistry } from '../../src/registry/parse/read.ts';
import { run, temporaryFolder } from '../cli/run.ts';

const options = { path: 'PROBLEMS.md', component: 'postgres' };
const ports = 'postgres/port-allocation-conflicts';

/** What markdownlint reports in its rules about blanks, blank lines and lists: MD009, MD012, MD022, MD031, MD032, MD047. */
function lint(text: string): readonly string[] {
  const lines = text.split('\n');
  const found: string[] = [];
  let inFence = false;
  for (const [at, line] of lines.entries()) {
    const [before = '', after = ''] = [lines[at - 1], lines[at + 1]];
    const isFence = line.startsWith('```');
    if (/[ \t]$/.test(line)) found.push(`${at + 1}: MD009`);
    if (!inFence && line === '' && before === '' && at > 0 && at < lines.length - 1) found.push(`${at + 1}: MD012`);
    if (!inFence && /^#{1,6} /.test(line) && ((at > 0 && before !== '') || after !== ''))
      found.push(`${at + 1}: MD022`);
    if (isFence && (inFence ? after !== '' : before !== '')) found.push(`${at + 1}: MD031`);
    const isItem = (text_: string) => /^(?:[-*+]|\d+\.) /.test(text_);
    if (!inFence && isItem(line) && before !== '' && !isItem(before) && !before.startsWith('  '))
      found.push(`${at + 1}: MD032`);
    if (isFence) inFence = !inFence;
  }
  if (!text.endsWith('\n') || text.endsWith('\n\n')) found.push('MD047');
  return found;
}

async function expectFormatted(text: string): Promise<void> {
  expect(await format(text, { parser: 'markdown' })).toBe(text);
  expect(lint(text)).toEqual([]);
}

const fixture = join(import.meta.dirname, '../../fixtures/resources/postgres/PROBLEMS.md');
/** The registry of the fixtures as a formatter leaves it. */
const formatted = await format(readFileSync(fixture, 'utf8'), { parser: 'markdown' });

const short =
  '# Problems\n\n<!-- EMBED:ACTIVEPROBLEM:START -->\n\n### T\n\n<!-- EMBED:ACTIVEPROBLEM:END -->\n\n## More\n\nText.\n';

describe('a formatter leaves unchanged', () => {
  it.each(kinds.map((kind) => [kind.name, kind] as const))('a blank %s record', async (_, kind) => {
    await expectFormatted(blankRecord(kind));
  });

  it('what init and new write, one record after the other', async () => {
    await using folder = temporaryFolder();
    await run(['init'], { cwd: folder.path });
    const config = readFileSync(join(folder.path, 'problems.config.yaml'), 'utf8');
    expect(await format(config, { parser: 'yaml' })).toBe(config);
    await expectFormatted(readFileSync(join(folder.path, 'PROBLEMS.md'), 'utf8'));
    for (const { name } of [...kinds, ...kinds]) {
      expect((await run(['new', name, '--into', 'PROBLEMS.md'], { cwd: folder.path })).code).toBe(0);
      await expectFormatted(readFileSync(join(folder.path, 'PROBLEMS.md'), 'utf8'));
    }
    await run(['new', 'active', '--into', 'NEW.md'], { cwd: folder.path });
    await expectFormatted(readFileSync(join(folder.path, 'NEW.md'), 'utf8'));
  });

  it.each<[string, (text: string) => string]>([
    ['a header value', (text) => setHeader(text, ports, 'Status', 'investigating', options)],
    ['a new label', (text) => setHeader(text, ports, 'Tags', '[#ports]', options)],
    ['an estimate', (text) => setEstimate(text, ports, 'impact', 3, options)],
    ['a field', (text) => setField(text, ports, 'Investigation Status', 'Attempted Solutions', 'one\ntwo', options)],
    ['a message', (text) => addErrorMessage(text, ports, 'FATAL: it broke', options)],
    [
      'an item',
      (text) => addItem(text, 'postgres/schema-migration-race-conditions', 'Investigation Notes', 'Seen.', options),
    ],
    ['a move', (text) => moveRecord(text, ports, 'Resolved', options)],
    [
      'a resolution',
      (text) =>
        resolveRecord(
          text,
          ports,
          { resolved: '2025-09-01', resolution: 'code_fix', changesMade: 'one\ntwo', validation: 'It holds.' },
          options,
        ),
    ],
  ])('a formatted registry after the edit of %s', async (_, edit) => {
    const before = formatted;
    const after = edit(before);
    expect(after).not.toBe(before);
    await expectFormatted(after);
  });

  it.each<[string, (text: string) => string]>([
    ['a first label', (text) => setHeader(text, 'postgres/t', 'Status', 'active', options)],
    ['a first estimate', (text) => setEstimate(text, 'postgres/t', 'impact', 3, options)],
    ['a first field', (text) => setField(text, 'postgres/t', 'Impact Assessment', 'Users Affected', 'all', options)],
    ['a first message', (text) => addErrorMessage(text, 'postgres/t', 'FATAL', options)],
    ['another record', (text) => addRecord(text, short.split('\n').slice(2, 7).join('\n'), 'active')],
  ])('a record without sections after the edit of %s', async (_, edit) => {
    await expectFormatted(edit(short));
    await expectFormatted(setEstimate(edit(short), 'postgres/t', 'urgency', 'low', options));
  });

  it('a problem that a detector found', async () => {
    const finding = {
      id: 'x/orders/wrong',
      remediator: 'x',
      instance: 'orders',
      kind: 'wrong',
      summary: 'Port 5433 is taken',
      risk: 'safe',
      evidence: [{ type: 'message', text: 'FATAL: "in use"' }],
      details: null,
      problem: null,
    } as const;
    const text = noteNewProblem(formatted, finding, new Date('2026-01-15T12:00:00Z'));
    await expectFormatted(text);
    expect(text).toContain('Port 5433 is taken');
  });
});

describe('a new record', () => {
  const start = '# All Problems\n\n## Active Issues\n\nWhat is wrong.\n\n## Resolved issues\n\n## Patterns\n\nNone.\n';

  it.each([
    ['active', 'What is wrong.\n\n<!-- EMBED:ACTIVEPROBLEM:START -->', 'END -->\n\n## Resolved issues'],
    ['resolved', '## Resolved issues\n\n<!-- EMBED:RESOLVEDPROBLEM:START -->', 'END -->\n\n## Patterns'],
    ['pattern', 'None.\n\n<!-- EMBED:PROBLEMPATTERN:START -->', 'END -->\n'],
    ['analysis', 'None.\n\n<!-- EMBED:PROBLEMANALYSIS:START -->', 'END -->\n'],
  ])('of the kind %s goes under its heading, or to the end', async (kind, before, after) => {
    await using folder = temporaryFolder({ 'PROBLEMS.md': start });
    await run(['new', kind, '--into', 'PROBLEMS.md'], { cwd: folder.path });
    const text = readFileSync(join(folder.path, 'PROBLEMS.md'), 'utf8');
    expect(text).toContain(before);
    expect(text.slice(text.indexOf(before))).toContain(after);
    expect(readRegistry(text, options).records).toHaveLength(1);
    await expectFormatted(text);
  });

  it('goes after the last record of its kind if no heading names it', () => {
    const [active, pattern] = kinds.flatMap((kind) =>
      kind.name === 'active' || kind.name === 'pattern' ? [blankRecord(kind)] : [],
    );
    const text = `# Problems\n\n## Open\n\n${active}\n## Others\n\n${pattern}`;
    const after = addRecord(text, active ?? '', 'active');
    expect(readRegistry(after, options).records.map(({ kind }) => kind)).toEqual(['active', 'active', 'pattern']);
    expect(after.indexOf('## Others')).toBeGreaterThan(after.lastIndexOf('ACTIVEPROBLEM:END'));
  });

  it('is not put into an example of a heading inside code', () => {
    const text = '# Problems\n\n```markdown\n## Active Issues\n```\n\nMore.\n';
    expect(addRecord(text, 'BLOCK', 'active')).toBe(`${text}\nBLOCK\n`);
  });
});
