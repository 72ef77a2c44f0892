import { randomBytes } from 'node:crypto';
import type { Clock } from './scheduler.ts';
import type { RoundView } from './types.ts';

/** Full rounds one after the other: those of the schedule, and those that someone asks for. */
export interface RoundQueue {
  /** Null: none runs. */
  running(): RoundView | null;
  /** Runs a round of all instances after the one that runs: the one that was asked for, or a new one. */
  all(): Promise<RoundView>;
  /** Asks for a round of these instances, or of all, or joins one that waits and contains it. */
  request(instances: readonly string[] | undefined): RoundView;
}

export interface RoundQueueOptions {
  readonly clock: Clock;
  /** Runs a round, and returns it as it ended. Never while another one runs. */
  readonly run: (round: RoundView) => Promise<RoundView>;
  /** Called with a round that has ended, before the next one begins. */
  readonly onEnded: (round: RoundView) => Promise<void>;
  /** Called when a round of all instances is asked for: has the scheduler call `all`. */
  readonly onAll: () => void;
  /** Called with a round of some instances that was asked for and now waits for its turn. */
  readonly onSome: (round: Promise<RoundView>) => void;
}

/** A full round that has not begun. @param instances Null: of all. */
export function newRound(instances: readonly string[] | null, at: Date): RoundView {
  return {
    id: `c${randomBytes(5).toString('hex')}`,
    kind: 'full',
    startedAt: at.toISOString(),
    endedAt: null,
    instances,
    findings: 0,
    notLookedAt: 0,
    failure: null,
  };
}

/**
 * A round of some instances never replaces one of all: each has its own place, so what is due by schedule while someone's round
 * runs comes after it.
 */
export function createRoundQueue({ clock, run, onEnded, onAll, onSome }: RoundQueueOptions): RoundQueue {
  let running: RoundView | null = null;
  let all: RoundView | null = null;
  let some: RoundView | null = null;
  let turn: Promise<unknown> = Promise.resolve();

  function inTurn(take: () => RoundView): Promise<RoundView> {
    const ended = turn.then(async () => runNext(take));
    turn = Promise.allSettled([ended]);
    return ended;
  }

  async function runNext(take: () => RoundView): Promise<RoundView> {
    running = { ...take(), startedAt: clock.now().toISOString() };
    let round: RoundView;
    try {
      round = await run(running);
    } finally {
      running = null;
    }
    await onEnded(round);
    return round;
  }

  return {
    running: () => running,
    all() {
      all ??= newRound(null, clock.now());
      const due = all;
      return inTurn(() => {
        const next = all ?? due;
        all = null;
        return next;
      });
    },
    request(instances) {
      if (all !== null) return all;
      if (instances === undefined) {
        all = newRound(null, clock.now());
        const requested = all;
        onAll();
        return requested;
      }
      const waits = some;
      some = {
        ...(waits ?? newRound(null, clock.now())),
        instances: [...new Set([...(waits?.instances ?? []), ...instances])],
      };
      const requested = some;
      if (waits === null)
        onSome(
          inTurn(() => {
            const next = some ?? requested;
            some = null;
            return next;
          }),
        );
      return requested;
    },
  };
}
