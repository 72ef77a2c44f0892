import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { computePriority, estimateRecord, type PrioritisedKind, readCalibrations } from '../../src/priority/index.ts';
import { record as anyRecord } from './arbitrary.ts';
import { active, integration, intermittent, line, pattern, resolved, stating } from './records.ts';

const calibrations = readCalibrations(
  integration({
    priorityCalculation: {
      severityFrequencyImpactScore: '(data corruption = 10, port conflicts = 8)',
      userBusinessImpactUrgencyLevel: '(system_down = critical, degraded_performance = high)',
      investigationStatusSuccessProbability: '(backup issues = 0.7, config issues = 0.9)',
      complexityResourceCostEstimate: '(data integrity = heavy, port conflicts = moderate)',
    },
  }),
);

function from(record: PrioritisedKind): Record<string, readonly [value: string | number, provenance: string]> {
  const { estimates } = estimateRecord(record, { calibrations });
  return Object.fromEntries(
    Object.entries(estimates).map(([name, { value, provenance }]) => [name, [value, provenance]]),
  );
}

describe('an estimate', () => {
  it('uses the value that the record states', () => {
    expect(from(active({ title: 'Port Conflicts', ...stating(3, 'low', 0.2, 'heavy') }))).toEqual({
      impact: [3, 'stated'],
      urgency: ['low', 'stated'],
      successProb: [0.2, 'stated'],
      resourceCost: ['heavy', 'stated'],
    });
  });

  it('uses the calibration of the registry for each value that the record does not state', () => {
    const record = active({
      title: 'Port Allocation Conflicts',
      impact: 'system_down',
      priorityEstimates: { successProb: 0.4 },
    });
    expect(from(record)).toEqual({
      impact: [8, 'calibrated'],
      urgency: ['critical', 'calibrated'],
      successProb: [0.4, 'stated'],
      resourceCost: ['moderate', 'calibrated'],
    });
  });

  it('is derived from the header if neither the record nor the registry gives a value', () => {
    const record = active({
      title: 'Slow Start',
      severity: 'critical',
      frequency: 'constant',
      impact: 'cosmetic',
      investigationStatus: { rootCause: 'Suspected: too many files' },
    });
    expect(from(record)).toEqual({
      impact: [10, 'derived'],
      urgency: ['low', 'derived'],
      successProb: [0.6, 'derived'],
      resourceCost: ['heavy', 'derived'],
    });
  });

  it.each([
    [intermittent({ title: 'X', pattern: 'random' }), [5, 'medium', 0.4, 'heavy']],
    [pattern({ title: 'X', category: 'security' }), [9, 'high', 0.7, 'heavy']],
    [pattern({ title: 'X' }), [5, 'medium', 0.7, 'moderate']],
    [resolved({ title: 'X', resolution: 'process' }), [3, 'low', 0.9, 'minimal']],
    [active({ title: 'X' }), [4, 'medium', 0.5, 'moderate']],
  ])('is derived for records of every kind', (record, values) => {
    expect(Object.values(estimateRecord(record).estimates).map(({ value }) => value)).toEqual(values);
  });

  it('may be learned; a learned value overrides a calibration but not the record', () => {
    const record = active({ title: 'Port Conflicts', priorityEstimates: { successProb: 0.4 } });
    const learned = new Map([[record.id, { impact: 6, successProb: 0.9, urgency: 'low' as const }]]);
    const { estimates } = estimateRecord(record, { calibrations, learned });
    expect(estimates).toMatchObject({
      impact: { value: 6, provenance: 'learned' },
      urgency: { value: 'low', provenance: 'learned' },
      successProb: { value: 0.4, provenance: 'stated' },
      resourceCost: { value: 'moderate', provenance: 'calibrated' },
    });
  });

  it('explains its source in a sentence', () => {
    const { estimates } = estimateRecord(active({ title: 'Port Conflicts', impact: 'system_down' }), { calibrations });
    expect(estimates.urgency.reason).toBe(
      'Calibrated by "system_down = critical" in the registry\'s integration block, which fits a term of its header.',
    );
  });

  it('always gives a finite score, whatever a record contains', () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        const { score } = computePriority(estimateRecord(record, { calibrations }).estimates);
        expect(Number.isFinite(score)).toBe(true);
        expect(score).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});

describe('a calibration', () => {
  const impactOf = (examples: string, record: PrioritisedKind): number | undefined => {
    const read = readCalibrations(integration({ priorityCalculation: { severityFrequencyImpactScore: examples } }));
    const { value, provenance } = estimateRecord(record, { calibrations: read }).estimates.impact;
    return provenance === 'calibrated' ? value : undefined;
  };

  it.each([
    ['(port conflicts = 8)', active({ title: 'Port Allocation Conflicts' })],
    ['(config issues = 8)', active({ title: 'Wrong Configuration in Template' })],
    ['(replication = 8)', active({ title: 'Lag', tags: ['replication'] })],
    ['(disk space = 8)', active({ title: 'Stop', description: 'There is no disk or other space left.' })],
    ['(load_based = 8)', intermittent({ title: 'X', pattern: 'load_based' })],
    ['(config issues = 8)', resolved({ title: 'X', resolution: 'configuration' })],
    ['(load-based problems = 8)', intermittent({ title: 'X', pattern: 'load_based' })],
    ['see (lag=2; [port conflicts] = `8`) and so on', active({ title: 'Port Conflicts' })],
  ])('%s matches by header term, title, tags, or adjacent words of the description', (examples, record) => {
    expect(impactOf(examples, record)).toBe(8);
  });

  it.each([
    ['(port conflicts = 8)', active({ title: 'Report Conflicts' })],
    ['(config issues = 8)', active({ title: 'Slow', description: 'The config is read twice.' })],
    [
      '(disk space = 8)',
      active({ title: 'Stop', description: 'The disk is old. There is much to do in a small space.' }),
    ],
    ['(issues = 8)', active({ title: 'Issues' })],
    ['(port conflicts = 80)', active({ title: 'Port Conflicts' })],
    ['(port conflicts = high)', active({ title: 'Port Conflicts' })],
    ['port conflicts = 8', active({ title: 'Port Conflicts' })],
  ])('%s does not match by coincidence, and ignores a value out of range', (examples, record) => {
    expect(impactOf(examples, record)).toBeUndefined();
  });

  it('prefers a match in the header to one in the title, and one in the title to one in the description', () => {
    const record = active({ title: 'Port Conflicts', severity: 'high', description: 'Seen after a data loss.' });
    expect(impactOf('(data loss = 9, port conflicts = 8, high severity = 7)', record)).toBe(7);
    expect(impactOf('(data loss = 9, port conflicts = 8)', record)).toBe(8);
  });

  it('is read from a label in free wording', () => {
    const read = readCalibrations(
      integration({ extra: { 'Policy / Severity -> Impact score': '(port conflicts = 8)' } }),
    );
    expect(read.impact).toMatchObject([{ phrase: 'port conflicts', value: 8 }]);
  });
});

describe('a contradiction', () => {
  const places = { title: line(3), 'priorityEstimates.urgency': line(40) };

  it('is reported at the stated value if it differs from the calibration of a header term', () => {
    const record = active({
      title: 'Port Conflicts',
      impact: 'system_down',
      places,
      ...stating(8, 'high', 0.9, 'moderate'),
    });
    expect(estimateRecord(record, { calibrations }).diagnostics).toMatchObject([
      {
        code: 'estimate-contradiction',
        severity: 'warning',
        path: 'postgres/PROBLEMS.md',
        place: line(40),
        message: "urgency is stated as high, but the registry's own calibration says system_down = critical.",
        fix: { safe: false, edits: [{ start: 4000, end: 4001, text: 'critical' }] },
      },
    ]);
  });

  it('is not reported if record and calibration agree', () => {
    const record = active({ title: 'Pool', impact: 'degraded_performance', ...stating(9, 'high', 0.8, 'moderate') });
    expect(estimateRecord(record, { calibrations }).diagnostics).toEqual([]);
  });

  it('is not reported for an example that only shares words with the record', () => {
    const record = active({ title: 'Port Conflicts in Config Backup', ...stating(2, 'low', 0.1, 'heavy') });
    expect(estimateRecord(record, { calibrations }).diagnostics).toEqual([]);
  });
});
