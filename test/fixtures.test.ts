import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Diagnostic } from '../src/registry/diagnostics.ts';
import { applyEdits } from '../src/registry/edit/edits.ts';
import { readRegistry } from '../src/registry/parse/read.ts';

const folder = join(import.meta.dirname, '../fixtures/diagnostics');
const names = readdirSync(folder).toSorted();

/** `expect: code` is in a comment on the line of the diagnostic; `expect: code @12` names another line. */
function expectations(text: string): string[] {
  return text.split(/\r\n|\n|\r/).flatMap((line, index) => {
    const note = /(?:<!--|#) expect: (.*?)(?: -->)?$/.exec(line)?.[1];
    return (note?.split(', ') ?? []).map((entry) => {
      const [code = '', at = `@${index + 1}`] = entry.split(' ');
      return `${at.slice(1)}: ${code}`;
    });
  });
}

function found(diagnostics: readonly Diagnostic[]): string[] {
  return diagnostics.map(({ place, code }) => `${place.line}: ${code}`);
}

function sorted(lines: readonly string[]): string[] {
  return lines.toSorted();
}

describe.each(names)('fixtures/diagnostics/%s', (name) => {
  const text = readFileSync(join(folder, name), 'utf8');

  it('has exactly the diagnostics that its comments expect', () => {
    expect(sorted(found(readRegistry(text).diagnostics))).toEqual(sorted(expectations(text)));
  });

  it('has the same diagnostics if remark reads all of it', () => {
    expect(readRegistry(text, { outline: 'markdown' })).toEqual(readRegistry(text));
  });

  it('has no fixable and no new diagnostics after its safe fixes', () => {
    const { diagnostics } = readRegistry(text);
    const remaining = diagnostics.filter(({ fix }) => fix?.safe !== true);
    const fixed = applyEdits(
      text,
      diagnostics.flatMap(({ fix }) => (fix?.safe === true ? fix.edits : [])),
    );
    const again = readRegistry(fixed).diagnostics;
    expect(sorted(again.map(({ code }) => code))).toEqual(sorted(remaining.map(({ code }) => code)));
  });
});

describe('the fixtures of diagnostics', () => {
  it('have the line ends and the byte-order mark that their names state', () => {
    expect(readFileSync(join(folder, 'line-ends-crlf.md'), 'utf8').replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
    expect(readFileSync(join(folder, 'byte-order-mark.md'), 'utf8').startsWith('\uFEFF')).toBe(true);
  });
});
