import { describe, expect, it } from 'vitest';
import { isOfFirstProcess, signsIn } from '../../src/remediation/remediators/memory/log-patterns.ts';
import { isCertain } from '../../src/remediation/remediators/memory/plan-values.ts';
import type { Observation } from '../../src/remediation/remediators/memory/types.ts';

/** What the log of a server says, and nothing else. */
function saidOnly(...texts: readonly string[]): Observation {
  const lines = texts.map((text) => ({ at: '2026-01-01T00:00:00.000Z', stream: 'stderr', text }) as const);
  return {
    limit: 2 ** 30,
    shmSize: 2 ** 26,
    running: false,
    memory: undefined,
    use: undefined,
    signs: signsIn(lines),
    events: [],
    oomKilled: false,
    exitCode: 0,
  };
}

const killed = 'LOG:  startup process (PID 21) was terminated by signal 9: Killed';
const refused = 'FATAL:  could not map anonymous shared memory: Cannot allocate memory';
const full = 'ERROR:  could not resize shared memory segment "/PostgreSQL.1" to 8 bytes: No space left on device';

/** As the first process of a container writes it. */
function first(text: string): string {
  return `2026-01-01 10:00:00.000 UTC [1] ${text}`;
}

/** As a session writes it with RAISE. */
function session(text: string): string {
  return `2026-01-01 10:00:00.000 UTC [412] ${text}`;
}

describe('a log line that any role can write', () => {
  it.for([
    ['twice that the startup process was killed', 'oom-in-recovery', saidOnly(session(killed), session(killed))],
    ['that shared memory is missing', 'start-refused', saidOnly(session(refused))],
    ['that shared memory is missing, under a prefix of the server’s own config', 'start-refused', saidOnly(refused)],
    ['that /dev/shm is full', 'shm-too-small', saidOnly(session(full))],
  ] as const)('says %s: the plan needs approval', ([, kind, seen]) => {
    expect(seen.signs.length).toBeGreaterThan(0);
    expect(isCertain({ kind }, seen)).toBe(false);
  });

  it('cannot imitate the first process in a message of several lines', () => {
    expect(isOfFirstProcess(first(killed))).toBe(true);
    expect(isOfFirstProcess(`\t${first(killed)}`)).toBe(false);
    expect(isOfFirstProcess(session(first(killed)))).toBe(false);
  });

  it('is not needed if the first process, the engine or the kernel says so', () => {
    const event = { at: '2026-01-01T00:00:00.000Z', type: 'container', action: 'oom', actor: 'c', attributes: {} };
    expect(isCertain({ kind: 'oom-in-recovery' }, saidOnly(first(killed), first(killed)))).toBe(true);
    expect(isCertain({ kind: 'oom-in-recovery' }, { ...saidOnly(session(killed)), events: [event] })).toBe(true);
    expect(isCertain({ kind: 'oom-in-recovery' }, { ...saidOnly(session(killed)), oomKilled: true })).toBe(true);
    expect(isCertain({ kind: 'start-refused' }, saidOnly(first(refused)))).toBe(true);
    expect(isCertain({ kind: 'oom-killed' }, saidOnly())).toBe(true);
  });
});
