import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resolveRecord, setHeader } from '../../src/registry/edit/index.ts';
import { type ImportOrigin, originLine, originOf, withOrigin } from '../../src/registry/origin.ts';
import { readLines } from '../../src/registry/parse/read-outline.ts';
import { readRegistry } from '../../src/registry/parse/read.ts';
import { runsOf } from '../soak.ts';

const block = `<!-- EMBED:ACTIVEPROBLEM:START -->

### Pool is empty

**Status:** [active]
**Severity:** [high]

#### Description

Clients wait.

<!-- EMBED:ACTIVEPROBLEM:END -->
`;

const origin: ImportOrigin = {
  from: 'KNOWN_ISSUES.md',
  title: 'pool is empty',
  occurrence: 1,
  lines: '9a8b7c6d',
  kept: true,
  values: { description: '01234567' },
};

function originIn(text: string): ImportOrigin | undefined {
  const [record] = readRegistry(text).records;
  return record === undefined ? undefined : originOf(text, record);
}

describe('the origin of an imported record', () => {
  it('is a line of the record that changes nothing of what the record says', () => {
    const text = withOrigin(block, origin);
    expect(originIn(text)).toEqual(origin);
    const [before, after] = [readRegistry(block), readRegistry(text)];
    expect(after.diagnostics).toEqual(before.diagnostics);
    expect(after.records.map(({ place: _, ...record }) => record)).toEqual(
      before.records.map(({ place: _, ...record }) => record),
    );
    expect(readLines(text, { start: 0, end: text.length })).toBeDefined();
  });

  it('is replaced, not repeated', () => {
    const text = withOrigin(withOrigin(block, origin), { ...origin, lines: '00000000' });
    expect(text.split('<!-- imported:')).toHaveLength(2);
    expect(originIn(text)?.lines).toBe('00000000');
  });

  it('stays when a value is set and when the problem is resolved', () => {
    const text = withOrigin(block, origin);
    expect(originIn(setHeader(text, 'root/pool-is-empty', 'Status', 'blocked'))).toEqual(origin);
    const resolution = {
      resolved: '2026-02-01',
      resolution: 'configuration',
      changesMade: 'x',
      validation: 'y',
    } as const;
    const after = resolveRecord(text, 'root/pool-is-empty', resolution);
    expect(originIn(after)).toEqual(origin);
    expect(readRegistry(after).records.map(({ kind }) => kind)).toEqual(['resolved']);
  });

  it.each([
    '{}',
    '{"from":1}',
    'null',
    '[',
    '{"from":"a","title":"b","occurrence":1,"lines":"c","kept":true,"values":{"d":1}}',
  ])('is ignored if no import has written it: %s', (data) => {
    const text = block.replace(
      '<!-- EMBED:ACTIVEPROBLEM:END',
      () => `<!-- imported: ${data} -->\n\n<!-- EMBED:ACTIVEPROBLEM:END`,
    );
    expect(originIn(text)).toBeUndefined();
  });

  it('is one comment whatever the source is called', () => {
    const word = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('-->', '--', '<!-- EMBED:ACTIVEPROBLEM:END -->', '\u2028', '\n', '<!-->', 'Embed:'),
    );
    const names = fc.array(word).map((words) => words.join(''));
    fc.assert(
      fc.property(names, names, (from, title) => {
        const line = originLine({ ...origin, from, title });
        expect(line).toMatch(/^<!--[^<>\n\r]*-->$/);
        const text = withOrigin(block, { ...origin, from, title });
        expect(originIn(text)).toEqual({ ...origin, from, title });
        expect(readRegistry(text).diagnostics).toEqual(readRegistry(block).diagnostics);
      }),
      { numRuns: runsOf(30) },
    );
  });
});
