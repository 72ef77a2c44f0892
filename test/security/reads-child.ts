import { run } from '../cli/run.ts';

/** A command line, and the folder in which it runs, which is its home as well. */
export interface Command {
  readonly cwd: string;
  readonly args: readonly string[];
}

export interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/**
 * Runs several command lines in one process, one after the other, and prints how each has ended: `node reads-child.ts <JSON>`.
 * If one of them waits or never ends, so does this process.
 */
const commands: readonly Command[] = JSON.parse(process.argv[2] ?? '[]');
const ended: Ended[] = [];
for (const { cwd, args } of commands) {
  process.env['HOME'] = cwd;
  const { code, stdout, stderr } = await run(args, { cwd });
  ended.push({ code, output: stdout + stderr });
}
process.stdout.write(JSON.stringify(ended));
