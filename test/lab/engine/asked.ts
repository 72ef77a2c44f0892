import { z } from 'zod';
import {
  findingId,
  openRemediation,
  type Remediation,
  type RemediationOptions,
  type Remediator,
  type Step,
} from '../../../src/app/remediation.ts';
import type { OpenHost } from '../../../src/remediation/contract.ts';
import { openHost } from '../../../src/app/open-host.ts';
import type { Run } from '../run.ts';

export interface Asked {
  readonly instance: string;
  readonly steps: readonly Step[];
  readonly cleanup?: readonly Step[];
  /** What the proof of the run says in the end. A run that is not verified is rolled back. */
  readonly verified: boolean;
}

const details = z.object({});

/** Plans the steps of a test, once: the test is about the engine and the actions, so nothing is detected. */
function asks({
  instance,
  steps,
  cleanup = [],
  verified,
}: Asked): Remediator<object & z.output<typeof details>, z.output<typeof details>> {
  let isOver = false;
  return {
    name: 'asked',
    description: 'Steps that a test asks for.',
    details,
    expected: details,
    detect: async () => ({
      notLookedAt: [],
      findings: isOver
        ? []
        : [
            {
              id: findingId('asked', instance, 'asked'),
              remediator: 'asked',
              instance,
              kind: 'asked',
              summary: 'steps are asked for',
              risk: 'safe',
              evidence: [],
              details: {},
              problem: null,
            },
          ],
    }),
    async plan(finding, host) {
      const found = await host.instance(instance);
      return {
        type: 'plan',
        remediator: 'asked',
        finding,
        target: {
          instance,
          container: found?.container.id ?? '',
          volumes: [found?.volumeKey ?? `asked/${instance}`],
        },
        summary: 'do what is asked',
        steps: [...steps],
        cleanup: [...cleanup],
        leftovers: [],
        risk: 'safe',
        downtime: { seconds: 0, why: 'nothing is restarted' },
        unpredictable: [],
        undo: 'the steps in reverse',
        expected: {},
      };
    },
    async verify() {
      isOver = true;
      return {
        result: verified ? 'verified' : 'not-verified',
        checks: [{ name: 'as the test wants it', ok: verified, seen: String(verified) }],
      };
    },
  };
}

/** A remediation of the run's instances that does what is asked and nothing else. */
export function openAsked(
  run: Pick<Run, 'folder' | 'prefix'>,
  asked: Asked,
  options: Partial<RemediationOptions> = {},
): Promise<Remediation> {
  return openRemediation({ folder: run.folder, remediators: [asks(asked)], host: openAskedHost(run), ...options });
}

export function openAskedHost(run: Pick<Run, 'folder' | 'prefix'>): OpenHost {
  return openHost({ roots: [run.folder], pattern: new RegExp(`^${run.prefix}vrooli-postgres-(.+)$`) });
}
