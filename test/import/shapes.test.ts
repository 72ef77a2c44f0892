import { describe, expect, it } from 'vitest';
import { importProblems, type ImportProposal } from '../../src/import/index.ts';

function read(lines: readonly string[], file = 'KNOWN_ISSUES.md'): readonly ImportProposal[] {
  return importProblems(lines.join('\n'), { file }).proposals;
}

function titles(lines: readonly string[], file?: string): readonly string[] {
  return read(lines, file).map(({ title }) => title);
}

describe('problems in different shapes', () => {
  it('reads rows of a table, with severity, status and workaround', () => {
    const rows = read([
      '# Known issues',
      '',
      '| # | Issue | Severity | Status | Workaround |',
      '|---|-------|----------|--------|------------|',
      '| 1 | Export fails for files over 2 GB | High | Open | Split the file |',
      '| 2 | Dark mode flickers on resize | Low | Fixed in 2.1 | - |',
    ]);
    expect(rows).toMatchObject([
      { title: 'Export fails for files over 2 GB', line: 5, severity: 'high', status: 'active' },
      { title: 'Dark mode flickers on resize', line: 6, severity: 'low', kind: 'resolved' },
    ]);
    expect(rows[0]?.sections).toMatchObject([{ key: 'workaround', text: 'Split the file' }]);
  });

  it('reads a small table below a heading as the fields of one problem', () => {
    const [problem] = read([
      '# Known issues',
      '## KI-7: Import hangs',
      '| Field | Value |',
      '|---|---|',
      '| Problem | The import never ends |',
      '| Severity | High |',
      '| Status | Fixed 2024-03-02 |',
    ]);
    expect(problem).toMatchObject({
      title: 'Import hangs',
      id: 'KI-7',
      severity: 'high',
      kind: 'resolved',
      dates: { resolved: '2024-03-02' },
    });
  });

  it('ignores a table that repeats the headings, and tables of risks, decisions and results', () => {
    const text = [
      '# Problems',
      '## Summary of issues',
      '| Issue | Status |',
      '|---|---|',
      '| Login fails | Fixed |',
      '| Export is slow | Open |',
      '## Details of issues',
      '### Login fails',
      '**Problem**: the cookie is missing',
      '**Status**: Fixed',
      '### Export is slow',
      '**Problem**: no index',
      '**Status**: Open',
      '## Risks',
      '| Risk | Likelihood | Impact |',
      '|---|---|---|',
      '| Lock-in | Low | High |',
    ];
    expect(titles(text, 'PROBLEMS.md')).toEqual(['Login fails', 'Export is slow']);
  });

  it('reads headings with prose in a file about problems', () => {
    const text = [
      '# Limitations',
      '',
      'The library has limits.',
      '',
      '## No streaming',
      '',
      'All data is in memory.',
      '',
    ];
    expect(read(text)).toMatchObject([{ title: 'No streaming', status: null, severity: null, kind: 'active' }]);
  });

  it('reads prose after a line that states the severity as the description', () => {
    const [problem] = read([
      '# Known issues',
      '## 1. Uploads time out',
      '',
      'Severity: high',
      '',
      'The proxy has a limit.',
    ]);
    expect(problem).toMatchObject({ title: 'Uploads time out', severity: 'high' });
    expect(problem?.sections).toMatchObject([{ key: 'description', text: 'The proxy has a limit.' }]);
  });

  it('reads the items of a list as problems, with the bold beginning or the first clause as title', () => {
    const text = [
      'Known issues',
      '------------',
      '',
      '- **Safari**: the handle does not work',
      '- Scrolling is slow. We are working on it.',
      '- [x] Crash when the list is empty',
    ];
    expect(read(text)).toMatchObject([
      { title: 'Safari', sections: [{ text: 'the handle does not work' }] },
      { title: 'Scrolling is slow', sections: [{ text: 'We are working on it.' }] },
      { title: 'Crash when the list is empty', kind: 'resolved' },
    ]);
  });

  it('takes headings such as "Problem" and "Solution" below a title for labels', () => {
    const [problem, ...others] = read([
      '# Known issues',
      '## Import hangs',
      '### Problem',
      'It never ends.',
      '### Root cause',
      'A lock.',
      '### Solution',
      'Fixed by removing the lock.',
    ]);
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ title: 'Import hangs', kind: 'resolved', line: 2, endLine: 8 });
    expect(problem?.sections.map(({ key, lines }) => [key, lines.line, lines.endLine])).toEqual([
      ['description', 3, 4],
      ['rootCause', 5, 6],
      ['solution', 7, 8],
    ]);
  });

  it('takes "Resolved" and "Fixed" below a heading for groups', () => {
    const text = [
      '# Problems',
      '## Issues encountered',
      '### Resolved',
      '1. **Timeouts in tests** - raised the limit',
      '### Open',
      '1. **No GPU support**',
    ];
    expect(read(text, 'PROBLEMS.md')).toMatchObject([
      { title: 'Timeouts in tests', kind: 'resolved' },
      { title: 'No GPU support', kind: 'active' },
    ]);
  });

  it('reads half-labelled bullets', () => {
    const [problem] = read([
      '# Problems',
      '## Open issues',
      '### Tests hang',
      '- They wait for a port',
      '- Solution: use a free port',
    ]);
    expect(problem?.sections).toMatchObject([
      { key: 'description', text: '- They wait for a port' },
      { key: 'solution', text: 'use a free port' },
    ]);
  });

  it('finds an issue and its fix in the log of a session, and nothing else there', () => {
    const text = [
      '# Problems',
      '## Session 2025-01-14',
      '- Added tests for the parser.',
      '- **Issue**: The cache was never invalidated',
      '  - **Root cause**: missing key',
      '  - **Fix**: added the version to the key',
      '- ✅ All tests pass',
    ];
    expect(read(text, 'PROBLEMS.md')).toMatchObject([
      { title: 'The cache was never invalidated', kind: 'resolved', line: 4, endLine: 6 },
    ]);
  });

  it('reads a list below a bold line that names problems', () => {
    const text = [
      '# Problems',
      '## Session 3',
      'Much was done.',
      '',
      '**Remaining issues**:',
      '1. The worker leaks files',
      '2. Retries are missing',
    ];
    expect(titles(text, 'PROBLEMS.md')).toEqual(['The worker leaks files', 'Retries are missing']);
  });

  it('cuts number, id, state, date and decoration off a title', () => {
    const cases = [
      ['### 3. Lost updates', 'Lost updates'],
      ['### ~~4. Lost updates~~ ✅ FIXED', 'Lost updates'],
      ['### BUG-018: Lost updates', 'Lost updates'],
      ['### Issue #2: Lost updates', 'Lost updates'],
      ['### 🔴 Lost updates (P1 - RESOLVED 2025-01-02)', 'Lost updates'],
      ['### 2025-01-02: Lost updates (fixed)', 'Lost updates'],
      ['### Problem: Lost updates', 'Lost updates'],
      ['### Lost updates (iOS)', 'Lost updates (iOS)'],
    ] as const;
    for (const [heading, title] of cases) {
      expect(titles(['# Problems', '## Known issues', heading, '**Problem**: a', '**Cause**: b'])).toEqual([title]);
    }
  });
});

describe('what only looks like problems', () => {
  it.each([
    ['"none yet"', ['# Problems', '## Open issues', 'None yet.', '## Resolved', '*(none)*']],
    [
      'notes, plans and logs',
      [
        '# Problems',
        '## Future improvements',
        '### 1. Dark mode',
        '- nice',
        '## Test results',
        '- ✅ all pass',
        '## Next steps',
        '1. Refactor',
      ],
    ],
    [
      'features',
      ['# Problems', '## New features added', '### 11. Export IMPLEMENTED', '**Feature**: exports', '- works'],
    ],
    [
      'templates',
      ['# Problems', '## How to report', '### [Issue title]', '**Problem**: what happens', '**Cause**: why'],
    ],
    [
      'exercises',
      [
        '# Problems',
        '## Two sum',
        'Given an array of integers, return the indices of two numbers.',
        '## Primes',
        'Write a program that prints primes.',
      ],
    ],
    ['a pointer to the tracker', ['# Issues', '', 'Please report issues at https://example.org/issues.']],
    [
      'front matter, comments and code',
      [
        '---',
        'title: Problems',
        '---',
        '<!--',
        '### 1. Bug',
        '**Problem**: a',
        '-->',
        '```',
        '### 2. Bug',
        '**Problem**: a',
        '```',
      ],
    ],
  ])('gives no proposal, with a reason: %s', (_name, lines) => {
    const result = importProblems(lines.join('\n'), { file: 'PROBLEMS.md' });
    expect(result.proposals).toEqual([]);
    expect(result.nothing).toMatch(/^[A-Z].*\.$/);
  });

  it('takes a heading among notes if it says what is wrong and what was done', () => {
    const text = [
      '# Problems',
      '## Improvements',
      '### Cache',
      '**Problem**: stale data',
      '**Solution**: Added keys',
      '### Retries',
      'Could be better.',
    ];
    expect(read(text, 'PROBLEMS.md')).toMatchObject([{ title: 'Cache', kind: 'resolved' }]);
  });

  it('proposes nothing from records that have markers, and less beside them', () => {
    const text = [
      '# Problems',
      '<!-- EMBED:ACTIVEPROBLEM:START -->',
      '### Timeout',
      '**Status:** active',
      '<!-- EMBED:ACTIVEPROBLEM:END -->',
      '## Notes on issues',
      '### Background',
      'Prose about the records.',
    ];
    const result = importProblems(text.join('\n'), { file: 'PROBLEMS.md' });
    expect(result).toMatchObject({ proposals: [], marked: [{ line: 2, endLine: 5 }] });
  });
});
