import { describe, expect, it } from 'vitest';
import { readRegistry } from '../../src/registry/parse/read.ts';
import type { ActiveProblem } from '../../src/registry/record.ts';
import type { Finding, RunRecord, RunReport } from '../../src/app/remediation.ts';
import {
  noteAttempt,
  noteEnd,
  noteEvidence,
  noteFix,
  noteNewProblem,
  noteOccurrence,
  noteResolution,
} from '../../src/app/result-edits.ts';

const now = new Date('2026-02-03T04:05:06Z');
const options = { path: 'resources/postgres/PROBLEMS.md', component: 'postgres' };

const finding: Finding = {
  id: 'port-reassignment/orders/port-taken',
  remediator: 'port-reassignment',
  instance: 'orders',
  kind: 'port-taken',
  summary: 'Port 5434 of orders is taken',
  risk: 'restart',
  evidence: [{ type: 'message', text: 'Bind for 0.0.0.0:5434 failed: port is already allocated' }],
  details: null,
  problem: null,
};

const before = '# Problems\n\nText that stays.  \n';

function active(text: string): ActiveProblem {
  const { records, diagnostics } = readRegistry(text, options);
  const record = records.at(-1);
  if (record?.kind !== 'active') throw new Error('no active record');
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  return record;
}

const report: RunReport = {
  id: 'r0123456789',
  remediator: 'port-reassignment',
  instance: 'orders',
  problem: 'postgres/port-5434-of-orders-is-taken',
  finding: finding.id,
  outcome: 'rolled-back',
  summary: 'Move orders to another port.',
  canRollBack: false,
  failure: { class: 'step-failed', message: 'the new port was taken too' },
  automation: 'auto',
  reasons: [],
  steps: [],
  verification: null,
  downtimeMs: null,
  leftovers: [],
  dossier: null,
  startedAt: null,
  endedAt: null,
};

describe('writing back', () => {
  it('adds a record for a finding without one, and leaves every other byte unchanged', () => {
    const text = noteNewProblem(before, finding, now);
    expect(text.startsWith(before)).toBe(true);
    expect(active(text)).toMatchObject({
      title: 'Port 5434 of orders is taken',
      status: 'active',
      discovered: '2026-02-03',
      evidence: { errorMessages: ['Bind for 0.0.0.0:5434 failed: port is already allocated'] },
    });
  });

  it('makes no markup, marker or second record from the text of a container', () => {
    const hostile = 'x <!-- EMBED:ACTIVEPROBLEM:END -->\n### Other\n```\n**Status:** [resolved] "\\';
    const evil: Finding = {
      ...finding,
      summary: hostile,
      instance: hostile,
      evidence: [{ type: 'message', text: hostile }],
    };
    const text = noteNewProblem(before, evil, now);
    const { records } = readRegistry(text, options);
    expect(records).toHaveLength(1);
    expect(active(text).status).toBe('active');
    expect(active(text).evidence?.errorMessages).toEqual([hostile]);
  });

  it('records only when a problem was last seen', () => {
    const text = noteNewProblem(before, finding, new Date('2026-01-01T00:00:00Z'));
    const after = noteOccurrence(text, active(text), now);
    expect(active(after).lastOccurrence).toBe('2026-02-03T04:05');
    expect(after.replace('2026-02-03 04:05', '2026-01-01 00:00')).toBe(text);
  });

  it('records once when a recurring problem was last seen, and what helped', () => {
    const text = `${before}
<!-- EMBED:INTERMITTENTPROBLEM:START -->
### Volumes nobody may read
**Pattern:** [environmental]
**Last Seen:** [2025-08-02]
**Frequency:** [monthly]

#### Investigation Notes
- Workaround: chown
<!-- EMBED:INTERMITTENTPROBLEM:END -->
`;
    const [record] = readRegistry(text, options).records;
    if (record === undefined) throw new Error('no record');
    const seen = noteOccurrence(text, record, now);
    expect(seen).toBe(text.replace('2025-08-02', '2026-02-03'));
    const fixed: RunReport = { ...report, outcome: 'fixed', failure: null, downtimeMs: 1_234 };
    const after = noteFix(seen, record, fixed, now);
    expect(after).toBe(
      seen.replace(
        '- Workaround: chown\n',
        '- Workaround: chown\n- 2026-02-03: port-reassignment (run r0123456789) fixed it, 1.2 s downtime\n',
      ),
    );
    const [again] = readRegistry(after, options).records;
    expect(again === undefined ? undefined : noteFix(after, again, fixed, now)).toBe(after);
  });

  it('records an attempt that did not help, once', () => {
    const text = noteNewProblem(before, finding, now);
    const once = noteAttempt(text, active(text), report, now);
    expect(active(once).investigationStatus?.attemptedSolutions).toContain('ended rolled-back');
    expect(noteAttempt(once, active(once), report, now)).toBe(once);
    const twice = noteAttempt(once, active(once), { ...report, id: 'r9876543210' }, now);
    expect(active(twice).investigationStatus?.attemptedSolutions?.split('\n')).toHaveLength(2);
  });

  it('records a fix with its downtime, once', () => {
    const text = noteNewProblem(before, finding, now);
    const fixed: RunReport = { ...report, outcome: 'fixed', failure: null, downtimeMs: 1_234 };
    const after = noteFix(text, active(text), fixed, now);
    expect(active(after)).toMatchObject({
      investigationStatus: {
        attemptedSolutions: '2026-02-03: port-reassignment (run r0123456789) fixed it, 1.2 s downtime',
      },
    });
    expect(noteFix(after, active(after), fixed, now)).toBe(after);
  });

  it('marks a problem as resolved after nothing is left of it, and as active if it returns', () => {
    const text = noteNewProblem(before, finding, now);
    const over = noteEnd(text, active(text));
    expect(over).toBe(text.replace('**Status:** [active]', '**Status:** [resolved]'));
    expect(noteOccurrence(over, active(over), now)).toBe(text);
  });

  it('adds new messages to the evidence, but none that differ only in ids and times', () => {
    function saying(...texts: readonly string[]): Finding {
      return { ...finding, evidence: texts.map((text) => ({ type: 'message', text })) };
    }
    const id = 'c'.repeat(64);
    const text = noteNewProblem(before, saying(`endpoint ${id}: port is already allocated`), now);
    const again = saying(`endpoint ${'d'.repeat(64)}: port is already allocated`);
    expect(noteEvidence(text, active(text), again)).toBe(text);
    const other = saying('2026-02-03 04:05:06.789 UTC [17] FATAL:  x', '2026-02-03 04:05:07.001 UTC [18] FATAL:  x');
    const after = noteEvidence(text, active(text), other);
    expect(active(after).evidence?.errorMessages).toEqual([
      '2026-02-03 04:05:06.789 UTC [17] FATAL:  x',
      `endpoint ${id}: port is already allocated`,
    ]);
  });

  it('keeps the evidence bounded, however much is found', () => {
    let text = noteNewProblem(before, { ...finding, evidence: [] }, now);
    for (let round = 0; round < 10; round += 1) {
      const evidence = Array.from({ length: 9 }, (_, index) => ({
        type: 'message' as const,
        text: `message ${round}/${index} ${'long '.repeat(500)}`,
      }));
      text = noteEvidence(text, active(text), { ...finding, evidence });
    }
    const messages = active(text).evidence?.errorMessages ?? [];
    expect(messages).toHaveLength(20);
    expect(Math.max(...messages.map(({ length }) => length))).toBe(500);
  });

  it('leaves evidence unchanged that an operator wrote in another form', () => {
    const text = noteNewProblem(before, finding, now).replace(
      /error_messages:\n.*\n/,
      'error_messages: see the wiki\n',
    );
    const { records } = readRegistry(text, options);
    const [record] = records;
    expect(record === undefined ? undefined : noteEvidence(text, record, finding)).toBe(text);
  });

  it('resolves a record with the repair and its proof', () => {
    const text = noteNewProblem(before, finding, new Date('2026-01-01T00:00:00Z'));
    const run: RunRecord = {
      id: 'r0123456789',
      project: '/project',
      plan: {
        type: 'plan',
        remediator: 'port-reassignment',
        finding,
        target: { instance: 'orders', container: '', volumes: ['v'] },
        summary: 'move orders from 5434 to 5436',
        steps: [],
        cleanup: [],
        leftovers: [],
        risk: 'restart',
        downtime: { seconds: 1, why: 'a restart' },
        unpredictable: [],
        undo: 'the old container comes back',
        expected: null,
      },
      decision: { automation: 'auto', source: 'risk', reasons: [], operations: [] },
      phase: 'ended',
      outcome: 'fixed',
      failure: null,
      verification: { result: 'verified', checks: [{ name: 'query', ok: true, seen: 'select 1 through 5436' }] },
      steps: [],
      token: 1,
      owner: null,
      heartbeatAt: null,
      createdAt: now.toISOString(),
      startedAt: now.toISOString(),
      endedAt: now.toISOString(),
      approvedBy: null,
      downtimeMs: 900,
      dossier: null,
    };
    const after = noteResolution(text, active(text), run, now);
    const [record] = readRegistry(after, options).records;
    expect(record).toMatchObject({ kind: 'resolved', resolved: '2026-02-03', title: 'Port 5434 of orders is taken' });
    expect(after).toContain('select 1 through 5436');
    expect(after.startsWith(before)).toBe(true);
  });
});
