import type { DetectResult, RunReport } from '../app/remediation.ts';
import type { Config } from '../config/config.ts';
import type { RemediationEvent } from '../remediation/events.ts';
import { errorText } from '../util/text.ts';
import type { ServiceEngine } from './engines.ts';
import type { RegistryFacts } from './registry-facts.ts';
import { recordRound, repairUnattended } from './repair.ts';

/** What follows a full round, if the config says so: repairs, then the records. */
export interface FollowUp {
  readonly noteRound: (engine: ServiceEngine, detected: DetectResult, isChanged: boolean) => void;
  /** Repairs what may run unattended, on every engine whose round found something. Returns how many runs were made. */
  repair(): Promise<number>;
  /** Writes the rounds and repairs since the last call into the registries, if they changed something. */
  readonly record: () => Promise<void>;
}

export interface FollowUpOptions {
  readonly config: Config;
  readonly signal: AbortSignal;
  readonly facts: () => RegistryFacts;
  readonly now: () => Date;
  readonly listener: (engine: ServiceEngine) => (event: RemediationEvent) => void;
}

interface Noted {
  readonly detected: DetectResult;
  readonly isChanged: boolean;
  readonly runs: readonly RunReport[];
}

export function createFollowUp({ config, signal, facts, now, listener }: FollowUpOptions): FollowUp {
  const noted = new Map<ServiceEngine, Noted>();

  async function onEach(work: (engine: ServiceEngine, seen: Noted) => Promise<void>): Promise<void> {
    const failures: string[] = [];
    for (const [engine, seen] of noted) {
      if (signal.aborted) return;
      await work(engine, seen).catch((error: unknown) => failures.push(`${engine.name}: ${errorText(error)}`));
    }
    if (failures.length > 0) throw new Error(failures.join(' '));
  }

  return {
    noteRound(engine, detected, isChanged) {
      noted.set(engine, { detected, isChanged, runs: [] });
    },
    async repair() {
      let made = 0;
      await onEach(async (engine, seen) => {
        if (seen.detected.findings.length === 0) return;
        const { runs, detected } = await repairUnattended(await engine.remediation(), {
          signal,
          facts: facts(),
          cooldown: config.priority.cooldown,
          onEvent: listener(engine),
        });
        made += runs.length;
        if (detected !== undefined) noted.set(engine, { detected, isChanged: true, runs });
      });
      return made;
    },
    async record() {
      await onEach(async (engine, seen) => {
        noted.set(engine, { ...seen, isChanged: false, runs: [] });
        if (seen.isChanged) await recordRound(await engine.remediation(), seen, { config, facts: facts(), now });
      });
    },
  };
}
