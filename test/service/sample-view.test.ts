import { describe, expect, it } from 'vitest';
import { compareText } from '../../src/util/compare.ts';
import {
  minutesAgo,
  sampleAlert,
  sampleBackup,
  sampleBackups,
  sampleFinding,
  sampleInstance,
  sampleNow,
  sampleRound,
  sampleRun,
  sampleView,
} from './sample-view.ts';

describe('the sample of a view', () => {
  it('is the same at every call', () => {
    expect(sampleView()).toEqual(sampleView());
    expect(minutesAgo(0)).toBe(sampleNow);
  });

  it('lists instances by engine and name', () => {
    const names = sampleView().instances.map(({ engine, instance }) => `${engine}/${instance}`);
    expect(names).toEqual(names.toSorted(compareText));
    expect(names).toHaveLength(7);
  });

  it('judges backups by their age and checks', () => {
    expect(sampleView().backups.map(({ instance, verdict }) => [instance, verdict.verdict])).toEqual([
      ['billing', 'not-proven'],
      ['ledger', 'broken'],
      ['orders', 'good'],
      ['search', 'too-old'],
      ['sessions', 'none'],
      ['users', 'good'],
    ]);
  });

  it('takes what shall be different', () => {
    expect(sampleInstance({ status: 'down' }).status).toBe('down');
    expect(sampleFinding({ finding: { instance: 'users' } }).finding.id).toBe('port-reassignment/users/port-taken');
    expect(sampleRun({ phase: 'running' }).plan.finding.instance).toBe('orders');
    expect(sampleBackups({ backups: [sampleBackup({ verdict: 'bad', reached: null })] }).verdict.verdict).toBe(
      'broken',
    );
    expect(sampleRound({ failure: 'no engine' }).failure).toBe('no engine');
    expect(sampleAlert({ state: 'resolved' }).state).toBe('resolved');
  });
});
