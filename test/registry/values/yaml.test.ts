import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readPlainYaml } from '../../../src/registry/values/yaml-fast.ts';
import { readAnyYaml } from '../../../src/registry/values/yaml.ts';
import { runsOf } from '../../soak.ts';

function plain(text: string, before = '') {
  return readPlainYaml(before + text, { start: before.length, end: before.length + text.length });
}

function expectAgreement(text: string): void {
  const value = plain(text);
  if (value === undefined) return;
  expect({ text, reading: readAnyYaml(text, { start: 0, end: text.length }) }).toEqual({
    text,
    reading: { type: 'mapping', value },
  });
}

const word = fc.constantFrom(
  'impact',
  'urgency',
  'a',
  'x_1',
  'null',
  'true',
  '8',
  '0.9',
  '1e3',
  'high',
  'on',
  '-',
  '~',
  '"',
  'é',
  '→',
);

const scalar = fc.oneof(
  word,
  fc.constantFrom(
    '',
    '"high"',
    '"a: b # c"',
    '"é → {{.State}}"',
    "'x'",
    '[high]',
    '[a|b]',
    '{a: 1}',
    '&x 1',
    '*x',
    '!!str 5',
    '|',
    '>-',
    '"a\\n"',
    'a b',
    'a  b',
    'a: b',
    'a #b',
    '# c',
    '""',
    '"\u2028"',
    '\t8',
  ),
  fc.array(word, { maxLength: 4 }).map((words) => words.join(' ')),
);

const comment = fc.constantFrom('', '', ' # why', '#x', '  #', ' # é', ' ');

const indent = fc.constantFrom('', '', '', '  ', '  ', '    ', ' ', '\t');

const line = fc.oneof(
  fc.tuple(indent, word, scalar, comment).map(([blanks, key, value, note]) => `${blanks}${key}: ${value}${note}`),
  fc.tuple(indent, word, comment).map(([blanks, key, note]) => `${blanks}${key}:${note}`),
  fc.tuple(indent, scalar, comment).map(([blanks, value, note]) => `${blanks}- ${value}${note}`),
  fc.constantFrom('', '# comment', '---', '...', '- ', 'x', '? a', '\uFEFFa: 1', '%YAML 1.2'),
);

const end = fc.constantFrom('\n', '\n', '\n', '\r\n', '\r', ' \n', '\n\n');

const anyYaml = fc
  .array(fc.tuple(line, end), { maxLength: 8 })
  .map((lines) => lines.map((parts) => parts.join('')).join(''));

/** Blocks that are plain but for one line, or wholly. */
const key = fc.constantFrom('impact', 'urgency', 'a', 'x_1', 'null', 'on');

const simple = fc.constantFrom(
  '8',
  '0.9',
  '1e3',
  'high',
  'a b',
  'x/y',
  '"high"',
  '"a: b # c"',
  '""',
  '"é → {{.State}}"',
  '50%',
  'null',
);

const simpleEntry = fc.oneof(
  fc.tuple(key, simple, comment).map(([name, value, note]) => `${name}: ${value}${note}`),
  fc
    .tuple(key, fc.array(simple, { maxLength: 3 }))
    .map(([name, items]) => [`${name}:`, ...items.map((item) => `  - ${item}`)].join('\n')),
  fc
    .tuple(key, fc.array(fc.tuple(key, simple), { maxLength: 3 }))
    .map(([name, entries]) => [`${name}:`, ...entries.map(([inner, value]) => `  ${inner}: ${value}`)].join('\n')),
);

const nearlyPlain = fc
  .tuple(fc.array(simpleEntry, { maxLength: 4 }), fc.option(line), fc.array(simpleEntry, { maxLength: 2 }), end)
  .map(([before, odd, after, last]) => [...before, ...(odd === null ? [] : [odd]), ...after].join('\n') + last);

const yaml = fc.oneof(anyYaml, { arbitrary: nearlyPlain, weight: 3 });

describe('the fast reader of yaml', () => {
  it('reads what registries contain in practice', () => {
    const text =
      'impact: 8            # why\nurgency: high\nlogs:\n  - "docker inspect --format \'{{.State.Error}}\'"\n  - x\nmetrics:\n  failed_starts: "11 of 140"\n';
    expect(plain(text, '```yaml\n')?.entries.map(({ key }) => key.text)).toEqual([
      'impact',
      'urgency',
      'logs',
      'metrics',
    ]);
    expectAgreement(text);
  });

  it('gives the values and places that js-yaml gives', () => {
    expect(fc.sample(yaml, 500).filter((text) => plain(text) !== undefined).length).toBeGreaterThan(30);
    fc.assert(fc.property(yaml, expectAgreement), { numRuns: runsOf(500) });
  });

  it('gives what js-yaml gives for any characters', { timeout: 60_000 }, () => {
    const anything = fc.string({
      unit: fc.oneof(
        fc.constantFrom('a', ':', ' ', '8', '"', '\n', '-', '#', '['),
        fc.string({ minLength: 1, maxLength: 1, unit: 'binary' }),
      ),
      maxLength: 30,
    });
    fc.assert(
      fc.property(
        anything.map((text) => `a: ${text}`),
        expectAgreement,
      ),
      { numRuns: runsOf(500) },
    );
  });

  it('does not load js-yaml', () => {
    const program = `
      import { readRegistry } from './src/registry/parse/read.ts';
      import { readFileSync } from 'node:fs';
      const { records } = readRegistry(readFileSync('fixtures/resources/postgres/PROBLEMS.md', 'utf8'));
      const files = Object.keys(process.getBuiltinModule('node:module').createRequire(import.meta.url).cache);
      console.log(records.length, files.filter((file) => file.includes('js-yaml')).length);`;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' });
    expect(stdout).toBe('10 0\n');
  });
});
