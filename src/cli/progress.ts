import type { RemediationEvent } from '../app/remediation.ts';
import { escapeTerminal } from '../reporters/escape-terminal.ts';
import { count } from '../reporters/text/diagnostics.ts';
import type { ScanProgress } from '../scan/scan.ts';
import type { Output } from './terminal.ts';

/** In milliseconds. A shorter scan shows no progress. */
const moment = 400;

export interface ProgressDisplay {
  readonly show: (progress: ScanProgress) => void;
  end(): void;
}

/** Shows how far a scan is, on a terminal and after a moment. In a pipe nothing is shown. */
export function createProgress(notes: Output): ProgressDisplay {
  let began: number | undefined;
  let spinner: { text: string; stop(): unknown } | undefined;
  let isOver = false;
  let isLoading = false;

  async function start(): Promise<void> {
    isLoading = true;
    const { default: createSpinner } = await import('yocto-spinner');
    if (!isOver) spinner = createSpinner({ stream: notes.stream, text: 'Scanning' }).start();
  }

  return {
    show({ folders, found }) {
      began ??= performance.now();
      if (!isLoading && performance.now() - began > moment && notes.isTerminal) void start();
      if (spinner !== undefined)
        spinner.text = `Scanning: ${count(folders, 'folder')}, ${count(found, 'registry file')}`;
    },
    end() {
      isOver = true;
      spinner?.stop();
    },
  };
}

export interface RunProgress {
  readonly show: (event: RemediationEvent) => void;
  /** From now on, one line per step. Leaves the terminal as it was, since a second signal may end the process. */
  useLines(): void;
  end(): void;
}

/** On a terminal, a spinner with the step and its seconds; in a pipe, one line per step. */
export function createRunProgress(notes: Output): RunProgress {
  const said = new Set<string>();
  let spinner: { text: string; stop(): unknown } | undefined;
  let isOver = false;
  let usesLines = false;
  let timer: NodeJS.Timeout | undefined;
  let words = '';
  let began = 0;

  async function start(): Promise<void> {
    const { default: createSpinner } = await import('yocto-spinner');
    if (isOver) return;
    // Its own handlers would end the process in the middle of a run.
    spinner ??= createSpinner({ stream: notes.stream, text: words, handleSignals: false }).start();
  }

  function stop(): void {
    isOver = true;
    clearInterval(timer);
    spinner?.stop();
    spinner = undefined;
  }

  function draw(): void {
    if (spinner !== undefined) spinner.text = `${words} (${Math.round((performance.now() - began) / 1000)} s)`;
  }

  return {
    show(event) {
      // Each round of checks says it again.
      if (event.type === 'notice' && !said.has(event.text)) notes.write(`${escapeTerminal(event.text)}\n`);
      if (event.type === 'notice') said.add(event.text);
      const next = wordsOf(event);
      if (next === undefined) return;
      words = next;
      began = performance.now();
      if (usesLines || !notes.isTerminal) {
        if (event.type === 'step') notes.write(`${words}\n`);
        return;
      }
      timer ??= setInterval(draw, 1_000).unref();
      draw();
      void start();
    },
    useLines() {
      usesLines = true;
      stop();
    },
    end: stop,
  };
}

/** The text for an event; undefined if it is not shown. */
function wordsOf(event: RemediationEvent): string | undefined {
  switch (event.type) {
    case 'check':
      if (event.state !== 'started') return undefined;
      return `checking ${escapeTerminal(event.instance ?? 'all instances')}: ${escapeTerminal(event.remediator)}`;
    case 'run':
      return event.phase;
    case 'step':
      return `${event.state === 'undoing' ? 'undoing' : `step ${event.index + 1} of ${event.of}`}: ${escapeTerminal(event.what)}`;
    case 'round':
    case 'finding':
    case 'skipped':
    case 'notice':
      return undefined;
  }
}
