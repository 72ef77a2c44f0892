import type { Remediation } from '../remediation/index.ts';
import type { Invocation } from './command.ts';
import { type configOptions, configFor } from './settings.ts';

type Wanted = Pick<Invocation<typeof configOptions>, 'options' | 'cwd' | 'now' | 'signal'>;

/** Runs `work` with the engine and the state file that the config names, and closes the file afterwards. */
export async function withRemediation<Result>(
  { options, cwd, now, signal }: Wanted,
  work: (remediation: Remediation) => Promise<Result>,
): Promise<Result> {
  const config = await configFor(options, cwd);
  const { openRemediation } = await import('../remediation/index.ts');
  const remediation = await openRemediation({
    folder: config.folder,
    config: config.remediation,
    plugins: config.plugins,
    now,
    ...(signal === undefined ? {} : { stop: signal }),
  });
  try {
    return await work(remediation);
  } finally {
    remediation.close();
  }
}
