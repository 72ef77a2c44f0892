import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import type { Log } from 'sarif';
import { describe, expect, it } from 'vitest';
import { type Diagnostic, diagnosticCatalogue, type DiagnosticCode } from '../../src/registry/diagnostics.ts';
import { lineFingerprints, sarifReport } from '../../src/reporters/sarif.ts';
import { diagnosticAt } from './diagnostic.ts';
import { runsOf } from '../soak.ts';

const text = 'one\ntwo\nthree\n';

const validate = officialSchema();

/** The official schema, from the package that ships it. It is of draft 4, whose keywords in use mean the same today. */
function officialSchema() {
  const file = createRequire(import.meta.url).resolve('@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json');
  const { $schema: _draft, id: _id, ...schema } = JSON.parse(readFileSync(file, 'utf8'));
  const ajv = new Ajv({ strict: false, unicodeRegExp: false });
  addFormats.default(ajv);
  return ajv.compile(schema);
}

function report(diagnostics: readonly Diagnostic[]): Log {
  const log = JSON.parse(
    sarifReport(diagnostics, { rules: diagnosticCatalogue, version: '1.2.3', textOf: () => text }),
  );
  expect(validate(log), JSON.stringify(validate.errors)).toBe(true);
  return log;
}

describe('SARIF', () => {
  it('is checked against a schema that refuses invalid documents', () => {
    expect(validate({ version: '2.1.0', runs: [{ results: [] }] })).toBe(false);
  });

  it('is valid and names every rule if there are no diagnostics', () => {
    const [run] = report([]).runs;
    expect(run?.results).toEqual([]);
    expect(run?.tool.driver.rules?.map(({ id }) => id)).toEqual(Object.keys(diagnosticCatalogue).toSorted());
  });

  it('has everything that GitHub requires for a rule', () => {
    for (const rule of report([]).runs[0]?.tool.driver.rules ?? []) {
      expect(rule.shortDescription?.text).not.toBe('');
      expect(rule.fullDescription?.text).not.toBe('');
      expect(rule.help?.text).not.toBe('');
      expect(rule.properties?.tags?.length).toBeLessThanOrEqual(10);
      expect(rule.properties?.['problem.severity']).toBe(rule.defaultConfiguration?.level);
    }
  });

  it('gives a result its place, its rule and the fingerprint of its line', () => {
    const [run] = report([diagnosticAt(text, 'two', 'term-unknown', { message: 'Wrong.', hint: 'Mend it.' })]).runs;
    const rules = run?.tool.driver.rules ?? [];
    expect(run?.results).toEqual([
      {
        ruleId: 'term-unknown',
        ruleIndex: rules.findIndex(({ id }) => id === 'term-unknown'),
        level: 'error',
        message: { text: 'Wrong. Mend it.' },
        locations: [
          {
            physicalLocation: {
              artifactLocation: { uri: 'PROBLEMS.md' },
              region: { startLine: 2, startColumn: 1, endLine: 2, endColumn: 4 },
            },
          },
        ],
        partialFingerprints: { primaryLocationLineHash: lineFingerprints(text, [2]).get(2) },
      },
    ]);
  });

  it('encodes paths as URIs', () => {
    const paths = ['a b/ü#?%.md', '/tmp/PROBLEMS.md', '../x/PROBLEMS.md'];
    const results = report(paths.map((path) => diagnosticAt(text, 'two', 'placeholder', { path }))).runs[0]?.results;
    expect(results?.map(({ locations }) => locations?.[0]?.physicalLocation?.artifactLocation?.uri)).toEqual([
      'a%20b/%C3%BC%23%3F%25.md',
      'file:///tmp/PROBLEMS.md',
      '../x/PROBLEMS.md',
    ]);
  });

  it("stays below GitHub's limit of results, errors first, and states how many are omitted", () => {
    const warning = diagnosticAt(text, 'two', 'label-unknown');
    const error = diagnosticAt(text, 'two', 'term-unknown');
    const [run] = report([...Array.from({ length: 25_000 }, () => warning), error, error]).runs;
    expect(run?.results).toHaveLength(25_000);
    expect(run?.results?.slice(0, 3).map(({ level }) => level)).toEqual(['error', 'error', 'warning']);
    expect(run?.invocations?.[0]?.toolExecutionNotifications?.[0]?.message.text).toContain('2 further results');
  });

  it('is valid for any path and message', () => {
    const codes = fc.constantFrom(...(Object.keys(diagnosticCatalogue) as DiagnosticCode[]));
    const strings = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(codes, strings, strings, (code, path, message) => {
        report([diagnosticAt(text, 'three', code, { path, message })]);
      }),
      { numRuns: runsOf(30) },
    );
  });
});

describe('the fingerprint of a line', () => {
  it("equals the fingerprint of GitHub's own action for an empty text", () => {
    expect([...lineFingerprints('', [1])]).toEqual([[1, 'c129715d7a2bc9a3:1']]);
  });

  it('covers 100 characters, numbers equal lines, and recognizes the end of the text', () => {
    const repeated = 'Lorem ipsum dolor sit amet.\n'.repeat(10);
    expect([...lineFingerprints(repeated, [1, 2, 6, 7, 11]).values()]).toEqual([
      'a7f2ff13bc495cf2:1',
      'a7f2ff13bc495cf2:2',
      'a7f2ff13bc495cf2:6',
      'a7f2ff1481e87703:1',
      'c129715d7a2bc9a3:1',
    ]);
  });

  it('ignores blanks and the kind of line end', () => {
    const lines = ['# Problems', '', '**Status:**  [active]', '\tend'];
    const asked = [1, 2, 3, 4];
    const expected = lineFingerprints(lines.join('\n'), asked);
    expect(expected.size).toBe(4);
    expect(lineFingerprints(lines.join('\r\n'), asked)).toEqual(expected);
    expect(lineFingerprints(lines.join('\r').replaceAll(' ', '\t'), asked)).toEqual(expected);
  });

  it('does not change if lines are added before it', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('x', 'y z', '')), (before) => {
        const added = [...before, text].join('\n');
        const [own] = lineFingerprints(text, [2]).values();
        const [moved] = lineFingerprints(added, [before.length + 2]).values();
        expect(moved).toBe(own);
      }),
    );
  });
});
