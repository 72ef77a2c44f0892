import { describe, expect, it } from 'vitest';
import type { RunReport } from '../../src/app/remediation.ts';
import { plain } from '../../src/reporters/escape-terminal.ts';
import { durationText, recapText, reportsText } from '../../src/reporters/text/runs.ts';

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
