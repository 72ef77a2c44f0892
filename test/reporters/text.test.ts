import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countText, textReport } from '../../src/reporters/text/diagnostics.ts';
import { escapeTerminal, escapeTerminalLines } from '../../src/reporters/escape-terminal.ts';
import { diagnosticAt } from './diagnostic.ts';

const text = '# Problems\n\n**Status:** open\n';

describe('the text report', () => {
  it('writes path:line:column, severity, message and code in one line, and the hint below it', () => {
    const diagnostic = diagnosticAt(text, 'open', 'term-unknown', { message: 'No such status.', hint: 'Use active.' });
    expect(textReport([diagnostic])).toBe(
      'PROBLEMS.md:3:13: error No such status. [term-unknown]\n    hint: Use active.\n',
    );
  });

  it('omits the hint line if there is no hint', () => {
    const diagnostic = diagnosticAt(text, 'open', 'term-unknown', { message: 'No.', hint: '' });
    expect(textReport([diagnostic])).toBe('PROBLEMS.md:3:13: error No. [term-unknown]\n');
  });

  it('is empty without diagnostics', () => {
    expect(textReport([])).toBe('');
  });

  it('has one line per diagnostic for any path and message', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (path, message) => {
        const report = textReport([diagnosticAt(text, 'open', 'term-unknown', { path, message, hint: '' })]);
        expect(report.split('\n')).toHaveLength(2);
        expect(report.slice(0, -1)).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
      }),
    );
  });

  it('writes counts with the right plural', () => {
    const error = diagnosticAt(text, 'open', 'term-unknown');
    const warning = diagnosticAt(text, 'open', 'label-unknown');
    expect(countText([error, error, warning])).toBe('2 errors, 1 warning');
    expect(countText([])).toBe('no errors, no warnings');
  });
});

describe('visible text', () => {
  it('makes control characters visible', () => {
    expect(escapeTerminal('a\u001b[31mred\u009b0m\u202eback\r\n\t')).toBe(
      'a\\u{1b}[31mred\\u{9b}0m\\u{202e}back\\r\\n\\t',
    );
  });

  it('leaves letters of any script, emoji and quotes unchanged', () => {
    const kept = 'Größe 大きさ حجم 👩‍👩‍👧 "x" \\n';
    expect(escapeTerminal(kept)).toBe(kept);
  });

  it('keeps line ends in texts that may have lines', () => {
    expect(escapeTerminalLines('one\r\ntwo\nthree\u0007')).toBe('one\ntwo\nthree\\u{7}');
  });
});
