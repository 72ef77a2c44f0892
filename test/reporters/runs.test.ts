import { describe, expect, it } from 'vitest';
import type { RunRecord, RunReport } from '../../src/app/remediation.ts';
import { plain } from '../../src/reporters/escape-terminal.ts';
import { plainTable, terminalTable } from '../../src/reporters/table.ts';
import { durationText, recapText, reportsText, runsTable, runText } from '../../src/reporters/text/runs.ts';

const fixed: RunReport = {
  id: 'r2dd0c2a9be',
  remediator: 'port-reassignment',
  instance: 'alpha',
  problem: 'postgres/port-allocation-conflicts',
  finding: 'port-reassignment/alpha/port-taken',
  outcome: 'fixed',
  summary: 'alpha moved from port 5434 to 5437',
  canRollBack: true,
  failure: null,
  automation: 'auto',
  reasons: ['Auto-Resolution of the registry names "Automatic port assignment".'],
  steps: [],
  verification: null,
  downtimeMs: 2_100,
  leftovers: [],
  dossier: null,
  startedAt: '2026-03-01T12:00:00.000Z',
  endedAt: '2026-03-01T12:00:05.000Z',
};

describe('the text about a run', () => {
  it('says what was fixed, how long the instance was down, and how to undo it', () => {
    expect(reportsText([fixed], plain)).toBe(
      'fixed: alpha moved from port 5434 to 5437, down for 2.1 s; undo with `problems rollback r2dd0c2a9be`\n' +
        '  port-reassignment/alpha/port-taken  postgres/port-allocation-conflicts  run r2dd0c2a9be\n',
    );
  });

  it('offers no undo for work that is kept', () => {
    const taken = { ...fixed, summary: 'backup orders/1 taken', canRollBack: false, downtimeMs: 0 };
    expect(reportsText([taken], plain)).toMatch(/^fixed: backup orders\/1 taken\n/);
  });

  it('says why a run was rolled back, and not why it was allowed to run', () => {
    const failure = { class: 'step-failed', message: 'not verified: it answers: refused' } as const;
    const text = reportsText([{ ...fixed, outcome: 'rolled-back', failure }], plain);
    expect(text).toMatch(/^rolled back: alpha: not verified: it answers: refused, down for 2\.1 s\n/);
    expect(text).toContain('step-failed');
    expect(text).not.toContain('Auto-Resolution');
  });

  it('says that an instance is as before if you rolled the run back', () => {
    const text = reportsText([{ ...fixed, outcome: 'rolled-back', downtimeMs: 0 }], plain);
    expect(text).toBe(
      'rolled back: alpha is as it was before the run\n' +
        '  port-reassignment/alpha/port-taken  postgres/port-allocation-conflicts  run r2dd0c2a9be\n',
    );
  });

  it('gives the reasons and the next command of a run that waits', () => {
    const waiting = { ...fixed, outcome: 'awaiting-approval', summary: 'Move alpha.', downtimeMs: null } as const;
    expect(reportsText([waiting], plain)).toMatch(
      /^awaiting approval: alpha: Move alpha\.\n.*\n {2}Auto-Resolution.*\n {2}Approve it with: problems approve r2dd0c2a9be\n$/,
    );
  });

  it('names the command that finishes a run that is still open', () => {
    const failure = { class: 'transient', message: 'the engine does not answer' } as const;
    const text = reportsText([{ ...fixed, outcome: 'stuck', failure, endedAt: null }], plain);
    expect(text).toMatch(/^stuck: alpha: the engine does not answer/);
    expect(text).toContain('problems resume r2dd0c2a9be');
  });

  it('escapes what a terminal would obey', () => {
    expect(reportsText([{ ...fixed, summary: '\u001B[2Jalpha' }], plain)).not.toContain('\u001B');
  });
});

describe('the recap', () => {
  it('has one line for each instance, in the order of the results', () => {
    const reports: readonly RunReport[] = [
      { ...fixed, instance: 'beta' },
      fixed,
      { ...fixed, outcome: 'failed' },
      { ...fixed, outcome: 'failed' },
    ];
    expect(recapText(reports, [], plain)).toBe('\nbeta: 1 fixed\nalpha: 1 fixed, 2 failed\n');
  });

  it('is left out if there is only one result', () => {
    expect(recapText([fixed], [], plain)).toBe('');
  });
});

const step = { part: 'steps', action: 'container.start', error: null } as const;

const record: RunRecord = {
  id: 'r2dd0c2a9be',
  project: '/project',
  plan: {
    type: 'plan',
    remediator: 'port-reassignment',
    finding: {
      id: 'port-reassignment/alpha/port-taken',
      remediator: 'port-reassignment',
      instance: 'alpha',
      kind: 'port-taken',
      summary: 'alpha did not start.',
      risk: 'safe',
      evidence: [],
      details: null,
      problem: null,
    },
    target: { instance: 'alpha', container: '', volumes: [] },
    summary: 'Move alpha from port 5434 to 5437.',
    steps: [],
    cleanup: [{ action: 'port.bind', params: {} }],
    leftovers: [],
    risk: 'safe',
    downtime: { seconds: 0, why: '' },
    unpredictable: [],
    undo: '',
    expected: null,
  },
  decision: { automation: 'auto', source: 'risk', reasons: [], operations: [] },
  phase: 'ended',
  outcome: 'rolled-back',
  failure: { class: 'step-failed', message: 'not verified: it answers: refused' },
  verification: { result: 'not-verified', checks: [{ name: 'it answers', ok: false, seen: 'refused' }] },
  steps: [
    { ...step, index: 0, state: 'undone', startedAt: '2026-03-01T12:00:00.000Z', endedAt: '2026-03-01T12:00:01.500Z' },
    { ...step, index: 1, state: 'pending', startedAt: null, endedAt: null },
    { ...step, part: 'cleanup', action: 'port.bind', index: 2, state: 'pending', startedAt: null, endedAt: null },
  ],
  token: 1,
  owner: null,
  heartbeatAt: null,
  createdAt: '2026-03-01T11:59:00.000Z',
  startedAt: '2026-03-01T12:00:00.000Z',
  endedAt: '2026-03-01T12:03:12.000Z',
  approvedBy: null,
  downtimeMs: 2_100,
  dossier: null,
};

describe('the list of runs', () => {
  it('has a header, times that people read, and durations', () => {
    const open: RunRecord = { ...record, id: 'r1', phase: 'running', outcome: null, endedAt: null };
    const waits: RunRecord = { ...open, id: 'r0', phase: 'awaiting-approval', startedAt: null };
    expect(
      plainTable(runsTable([record, open, waits]))
        .split('\n')
        .map((line) => line.replaceAll(/ {2,}/g, ' | ')),
    ).toEqual([
      'RUN | BEGAN (UTC) | TOOK | OUTCOME | FINDING',
      'r2dd0c2a9be | 2026-03-01 12:00 | 3 min 12 s | rolled back | port-reassignment/alpha/port-taken',
      'r1 | 2026-03-01 12:00 | - | running, not ended | port-reassignment/alpha/port-taken',
      'r0 | 2026-03-01 11:59 | - | awaiting approval | port-reassignment/alpha/port-taken',
      '',
    ]);
  });

  it('fits on a terminal of 80 columns', () => {
    const lines = terminalTable(runsTable([record]), 80, plain).split('\n');
    expect(lines[0]).toMatch(/^┌─/);
    expect(lines.every(({ length }) => length <= 80)).toBe(true);
  });
});

describe('one run in full', () => {
  it('has its reason, the duration of each step, and the checks', () => {
    expect(runText(record, plain)).toBe(`alpha  Move alpha from port 5434 to 5437.
  port-reassignment/alpha/port-taken  run r2dd0c2a9be
  Outcome: rolled back: not verified: it answers: refused (step-failed)
  Began: 2026-03-01 12:00:00 UTC, took 3 min 12 s
  Downtime: 2.1 s
  1. container.start  undone  1.5 s
  2. container.start  pending
  no  it answers: refused
  1 cleanup step
`);
  });
});

describe('a duration', () => {
  it.each([
    [0, '0.0 s'],
    [2_100, '2.1 s'],
    [59_949, '59.9 s'],
    [59_950, '1 min 0 s'],
    [192_000, '3 min 12 s'],
    [3_599_600, '1 h 0 min'],
    [7_500_000, '2 h 5 min'],
  ])('of %i ms is %s', (ms, text) => {
    expect(durationText(ms)).toBe(text);
  });
});
