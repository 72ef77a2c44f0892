import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { remark } from 'remark';
import { describe, expect, it } from 'vitest';
import defaultExport, { remarkProblems } from '../../src/remark.ts';
import { readRegistry } from '../../src/registry/parse/read.ts';
import { spawned, temporaryFolder } from '../cli/run.ts';

const text = `# Problems

<!-- EMBED:ACTIVEPROBLEM:START -->
### Pool is empty
**Status:** [activ]
**Colour:** blue
<!-- EMBED:ACTIVEPROBLEM:END -->
`;

describe('the remark plugin', () => {
  it('reports the diagnostics of a registry with place, code, hint and source', async () => {
    const { diagnostics } = readRegistry(text, { path: 'PROBLEMS.md' });
    expect(diagnostics.map(({ code }) => code)).toContain('term-unknown');
    const { messages } = await remark().use(remarkProblems).process({ path: 'PROBLEMS.md', value: text });
    expect(
      messages.map(({ reason, ruleId, source, fatal, note, place }) => ({
        reason,
        ruleId,
        source,
        fatal,
        note,
        place,
      })),
    ).toEqual(
      diagnostics.map(({ message, code, severity, hint, place }) => ({
        reason: message,
        ruleId: code,
        source: 'problem-registry',
        fatal: severity === 'error',
        note: hint,
        place: {
          start: { line: place.line, column: place.column, offset: place.offset },
          end: { line: place.endLine, column: place.endColumn, offset: place.endOffset },
        },
      })),
    );
  });

  it('reports the diagnostics of priorities too', async () => {
    const path = join(import.meta.dirname, '../../fixtures/resources/postgres/PROBLEMS.md');
    const { messages } = await remark().use(remarkProblems).process(readFileSync(path, 'utf8'));
    expect(messages.map(({ ruleId }) => ruleId)).toContain('estimate-contradiction');
  });

  it('does not change the document, and reports nothing for ordinary prose', async () => {
    const file = await remark().use(remarkProblems).process('# Prose\n\nNothing *marked*.\n');
    expect({ text: String(file), messages: file.messages }).toEqual({
      text: '# Prose\n\nNothing *marked*.\n',
      messages: [],
    });
  });

  it('suggests a record for text that can be one, in problem files alone', async () => {
    const value =
      '# Known issues\n\n### 1. Pool is empty\n\n**Problem**: clients wait\n**Root cause**: a leak\n\nEnd.\n\n## Notes\n\nNone.\n';
    const { messages } = await remark().use(remarkProblems).process({ path: 'docs/KNOWN_ISSUES.md', value });
    const [message] = messages;
    expect(messages).toHaveLength(1);
    expect(message).toMatchObject({ ruleId: 'record-possible', source: 'problem-registry', line: 3, column: 1 });
    expect(message?.fatal).toBeUndefined();
    const fixed = value.replace(message?.actual ?? '', () => message?.expected?.[0] ?? '');
    const { records, diagnostics } = readRegistry(fixed);
    expect(records).toMatchObject([
      { title: 'Pool is empty', investigationStatus: { rootCause: expect.stringContaining('a leak') } },
    ]);
    expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
    const other = await remark().use(remarkProblems).process({ path: 'docs/design.md', value });
    expect(other.messages).toEqual([]);
  });

  it('is the default export, which remark loads', () => {
    expect(defaultExport).toBe(remarkProblems);
  });
});

describe('remark-cli with the plugin', () => {
  const cli = join(import.meta.dirname, '../../node_modules/remark-cli/cli.js');
  const plugin = join(import.meta.dirname, '../../src/remark.ts');

  it('prints the diagnostics and fails on an error', async () => {
    await using folder = temporaryFolder({ 'PROBLEMS.md': text });
    const { code, stderr } = await spawned(
      process.execPath,
      [cli, '--use', plugin, '--no-stdout', '--no-color', 'PROBLEMS.md'],
      {
        cwd: folder.path,
      },
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/5:13-5:20\s+error\s.*term-unknown\s+problem-registry/);
  });

  it('succeeds for prose', async () => {
    await using folder = temporaryFolder({ 'PROBLEMS.md': '# Prose\n' });
    const { code, stderr } = await spawned(
      process.execPath,
      [cli, '--use', plugin, '--no-stdout', '--no-color', 'PROBLEMS.md'],
      {
        cwd: folder.path,
      },
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'PROBLEMS.md: no issues found\n' });
  });
});
