import type { DetectResult } from '../app/remediation.ts';
import type { Finding } from '../remediation/contract.ts';
import type { Severity, TrackedFinding } from './types.ts';

/** What a round has changed of what is known. */
export interface TrackedChanges {
  /** New, seen again, returned or gone: as they are now. */
  readonly changed: readonly TrackedFinding[];
  /** Those of `changed` that came back after they were gone. */
  readonly returned: readonly TrackedFinding[];
  readonly gone: readonly TrackedFinding[];
}

/** Of evidence, what is kept for pages: a finding may bring a whole log. */
const most = { evidence: 20, text: 4_000 } as const;

/**
 * Follows findings from round to round. One is gone only if its remediator has checked its instance and did not find it, or if
 * its instance was forgotten: a check that could not run says nothing.
 * @param known Open and gone ones of this engine.
 * @param forgotten Whether nothing expects the instance any more, and it has no container.
 */
export function trackFindings(
  engine: string,
  known: readonly TrackedFinding[],
  detected: Pick<DetectResult, 'findings' | 'lookedAt'>,
  at: string,
  forgotten: (instance: string) => boolean,
): TrackedChanges {
  const byId = new Map(known.map((one) => [one.finding.id, one]));
  const seen = detected.findings.map((found): TrackedFinding => {
    const before = byId.get(found.id);
    const finding = bounded(found);
    const severity = severityOf(found);
    if (before === undefined) return { ...fresh, engine, finding, severity, firstSeen: at, lastSeen: at };
    if (before.goneAt === null) return { ...before, finding, severity, lastSeen: at };
    const { recurrences, silencedUntil } = before;
    return {
      ...fresh,
      engine,
      finding,
      severity,
      firstSeen: at,
      lastSeen: at,
      recurrences: recurrences + 1,
      silencedUntil,
    };
  });
  const present = new Set(detected.findings.map(({ id }) => id));
  const checked = new Map(detected.lookedAt.map(({ instance, remediators }) => [instance, remediators]));
  const gone = known
    .filter(
      ({ goneAt, finding: { id, instance, remediator } }) =>
        goneAt === null &&
        !present.has(id) &&
        (checked.get(instance)?.includes(remediator) === true || forgotten(instance)),
    )
    .map((one) => ({ ...one, goneAt: at }));
  return {
    changed: [...seen, ...gone],
    returned: seen.filter(({ finding: { id } }) => {
      const before = byId.get(id);
      return before !== undefined && before.goneAt !== null;
    }),
    gone,
  };
}

/**
 * How much a finding matters: data that may be damaged or a server that is down, then what a repair would touch data for, then
 * what it would interrupt.
 */
export function severityOf(finding: Pick<Finding, 'corruption' | 'down' | 'remediator' | 'risk'>): Severity {
  if (finding.corruption === true || saysDown(finding)) return 'critical';
  return finding.risk === 'data' ? 'high' : 'medium';
}

/** Whether a finding says that its instance is down: by itself, or as one of the check that looks for nothing else. */
function saysDown({ down, remediator }: Pick<Finding, 'down' | 'remediator'>): boolean {
  return down === true || remediator === 'availability';
}

const fresh = {
  goneAt: null,
  recurrences: 0,
  acknowledged: null,
  silencedUntil: null,
} as const;

function bounded({ details: _, ...finding }: Finding): TrackedFinding['finding'] {
  return {
    ...finding,
    evidence: finding.evidence.slice(0, most.evidence).map((one) => {
      switch (one.type) {
        case 'message':
        case 'log':
        case 'file':
          return { ...one, text: one.text.slice(0, most.text) };
        case 'query':
        case 'probe':
          return { ...one, result: one.result.slice(0, most.text) };
        case 'docker':
          return one;
      }
    }),
  };
}
