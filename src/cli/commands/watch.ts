import { setTimeout as sleep } from 'node:timers/promises';
import { readStatus } from '../../service/status.ts';
import { defineCommand } from '../command.ts';
import { onStopSignal } from '../remediation-context.ts';
import { configFor, configOptions } from '../shared-options.ts';
import { statusExitCode, statusExitCodes, statusText } from './status.ts';

/** Clears the terminal from its first column and line on. */
const clearScreen = '\u001B[H\u001B[J';

export const watch = defineCommand({
  name: 'watch',
  group: 'service',
  summary: 'Keep the status of the service on the terminal until you press Ctrl-C.',
  about:
    'What `problems status` prints, drawn again every two seconds. Into a file or a pipe, it prints each change once.',
  arguments: [],
  options: configOptions,
  examples: [{ command: 'problems watch', about: 'in a corner of the screen' }],
  exitCodes: statusExitCodes,
  async run({ options, cwd, now, screen, signal }) {
    const config = await configFor(options, cwd, { ownOnly: true });
    const stop = new AbortController();
    const ignoreSignals = onStopSignal(() => stop.abort());
    const until = signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal]);
    const { out } = screen;
    let verdict = '';
    let exitCode = 2;
    try {
      while (!until.aborted) {
        const seen = await readStatus(config, now());
        exitCode = statusExitCode(seen);
        if (out.isTerminal) out.write(clearScreen + (await statusText(seen, out)));
        else if (`${seen.verdict} ${seen.reason}` !== verdict) out.write(await statusText(seen, out));
        verdict = `${seen.verdict} ${seen.reason}`;
        await sleep(2_000, undefined, { signal: until }).catch(() => undefined);
      }
    } finally {
      ignoreSignals();
    }
    return exitCode;
  },
});
