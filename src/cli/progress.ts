import { count } from '../reporters/text/diagnostics.ts';
import type { ScanProgress } from '../scan/index.ts';
import type { Output } from './terminal.ts';

/** In milliseconds. What is over sooner needs no word. */
const moment = 400;

export interface ProgressDisplay {
  readonly show: (progress: ScanProgress) => void;
  end(): void;
}

/** Shows how far a scan is, on a terminal and once it takes longer than a moment. In a pipe nothing is shown. */
export function createProgress(notes: Output): ProgressDisplay {
  const began = performance.now();
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
