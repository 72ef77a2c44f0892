import { describe, expect, it } from 'vitest';
import { importProblems, type ImportProposal } from '../../src/import/index.ts';

/** The problem of a heading, with lines below it, in a group. */
function problem(heading: string, lines: readonly string[], group = '## Known issues'): ImportProposal | undefined {
  const text = ['# Problems', group, `### ${heading}`, ...lines].join('\n');
  return importProblems(text, { file: 'PROBLEMS.md' }).proposals[0];
}

const labels = ['**Problem**: it fails', '**Root cause**: no lock'];

describe('the state of a problem', () => {
  it.each([
    ['Timeout (RESOLVED)', [], 'resolved'],
    ['Timeout ✅', [], 'resolved'],
    ['~~Timeout~~', [], 'resolved'],
    ['Timeout (PARTIALLY RESOLVED)', [], 'active'],
    ['Timeout (improved - 2025-01-02)', [], 'active'],
    ['Timeout ✅ (by design)', [], "won't-fix"],
    ['Timeout', ['**Status**: Fixed in 2.1, no longer occurs'], 'resolved'],
    ['Timeout', ['**Status**: not fixed yet'], 'active'],
    ['Timeout', ['**Status**: Working as designed'], "won't-fix"],
    ['Timeout', ['**Status**: Blocked by upstream'], 'blocked'],
    ['Timeout', ['**Status**: under investigation'], 'investigating'],
    ['Timeout', ['**Status**: In progress'], 'active'],
    ['Timeout', ['**Fix applied (2025-10-12)**: a lock'], 'resolved'],
    ['Timeout', ['**Solution**: Updated the driver'], 'resolved'],
    ['Timeout', ['**Solution**: Use the newer driver'], null],
    ['Timeout', ['**Solution**: Need to update the driver'], null],
    ['Timeout', [], null],
  ] as const)('of "%s" with %j is %s', (heading, lines, status) => {
    expect(problem(heading, [...labels, ...lines])?.status).toBe(status);
  });

  it.each([
    ['## Resolved issues (2025-09-14)', 'resolved'],
    ['## Open issues', 'active'],
    ['## Issues and solutions', null],
    ['## Known limitations', null],
    ['## ✅ Fixed issues', 'resolved'],
  ])('comes from the group %s if the problem says nothing', (group, status) => {
    expect(problem('Timeout', labels, group)?.status).toBe(status);
  });

  it('goes by the deeper statement', () => {
    expect(problem('Timeout (RESOLVED)', labels, '## Open issues')?.status).toBe('resolved');
  });

  it('comes from the head of the text last', () => {
    const text = ['# Problems', '> All known issues are resolved.', '## Issues', '### 1. Timeout', ...labels].join(
      '\n',
    );
    expect(importProblems(text).proposals).toMatchObject([
      { status: 'resolved', provenance: { status: [{ line: 2 }] } },
    ]);
  });
});

describe('the severity of a problem', () => {
  it.each([
    ['Timeout', ['**Severity**: Major (reduced from Critical)'], 'high'],
    ['Timeout', ['**Severity**: Level 1 (Trivial)'], 'low'],
    ['Timeout', ['**Severity**: low–medium'], null],
    ['Timeout', ['**Severity**: 3/5'], null],
    ['Timeout', ['**Severity**: none'], null],
    ['Timeout', ['**Priority**: P2'], 'medium'],
    ['Timeout', ['**Severity**: Low', '**Priority**: P0'], 'low'],
    ['Timeout (P0)', [], 'critical'],
    ['🟠 Timeout', [], 'high'],
    ['High load makes it time out', [], null],
  ] as const)('of "%s" with %j is %s', (heading, lines, severity) => {
    expect(problem(heading, [...labels, ...lines])?.severity).toBe(severity);
  });

  it('comes from the group, but never from the heading of the whole text', () => {
    expect(problem('Timeout', labels, '## Critical issues (P0)')?.severity).toBe('critical');
    const text = ['# Critical issues', '## Issues', '### 1. Timeout', ...labels].join('\n');
    expect(importProblems(text).proposals[0]?.severity).toBeNull();
  });
});

describe('the dates of a problem', () => {
  it.each([
    ['Timeout', ['**Date discovered**: 2025-02-03'], { discovered: '2025-02-03', resolved: null }],
    ['Timeout (2025-02-03)', [], { discovered: '2025-02-03', resolved: null }],
    ['Timeout (FIXED 2025-02-03)', [], { discovered: null, resolved: '2025-02-03' }],
    ['Timeout', ['**Status**: Fixed on March 4, 2025'], { discovered: null, resolved: '2025-03-04' }],
    ['Timeout', ['**Behoben am**: 04.03.2025'], { discovered: null, resolved: '2025-03-04' }],
    ['Timeout', ['**Fix applied (2025-10-12)**: a lock'], { discovered: null, resolved: '2025-10-12' }],
    ['Timeout', ['**Discovered**: March 2025'], { discovered: null, resolved: null }],
    ['Timeout', ['**Discovered**: 2025-02-31'], { discovered: null, resolved: null }],
    ['Timeout (improved 2025-02-03)', [], { discovered: null, resolved: null }],
  ] as const)('of "%s" with %j are %j', (heading, lines, dates) => {
    expect(problem(heading, [...labels, ...lines])?.dates).toEqual(dates);
  });

  it('come from the group: of the solution, or of the discovery', () => {
    expect(problem('Timeout', labels, '## Fixed issues (2025-09-14)')?.dates.resolved).toBe('2025-09-14');
    expect(problem('Timeout', labels, '## Problems discovered (2025-09-14)')?.dates.discovered).toBe('2025-09-14');
  });
});

describe('labels in other languages', () => {
  it.each([
    [
      'Русский',
      ['**Проблема**: сбой', '**Причина**: нет прав', '**Статус**: Исправлено', '**Серьёзность**: высокая'],
      'resolved',
      'high',
    ],
    [
      '中文',
      ['**问题描述**：导出失败', '**原因**：内存不足', '**状态**：已解决', '**严重程度**：高'],
      'resolved',
      'high',
    ],
    [
      'Español',
      ['**Descripción**: falla', '**Causa**: sin espacio', '**Estado**: abierto', '**Gravedad**: media'],
      'active',
      'medium',
    ],
    [
      'Deutsch',
      ['**Beschreibung**: bricht ab', '**Ursache**: Speicher', '**Stand**: behoben', '**Schweregrad**: niedrig'],
      'resolved',
      'low',
    ],
  ] as const)('are rows of the same table: %s', (heading, lines, status, severity) => {
    const found = problem(`1. ${heading}`, lines);
    expect(found).toMatchObject({ title: heading, status, severity });
    expect(found?.sections.map(({ key }) => key)).toEqual(['description', 'rootCause']);
  });
});

describe('what no line states', () => {
  it('stays empty, and each value names the lines that state it', () => {
    const found = problem('Timeout', [
      ...labels,
      '**Status**: Fixed on 2025-02-03',
      '**Files**: a.ts',
      '**Workaround**: None',
    ]);
    expect(found).toMatchObject({
      severity: null,
      rest: [
        { line: 7, endLine: 7 },
        { line: 8, endLine: 8 },
      ],
      provenance: {
        title: [{ line: 3, endLine: 3 }],
        status: [{ line: 6, endLine: 6 }],
        resolved: [{ line: 6, endLine: 6 }],
        severity: [],
        discovered: [],
      },
    });
  });
});
