import type { Finding, Plan, ReadonlyHost, Refusal } from '../../contract.ts';
import { isRunning } from '../../shared/availability.ts';
import { planOn, refusal } from '../../shared/for-each-instance.ts';
import type { Instance } from '../../../host/instance.ts';
import { isDiskFull, refuseDiskFull } from './disk-full.ts';
import { failedCheck, rightCheck } from './health-check.ts';
import { isOtherMajor, planImage } from './plan-image.ts';
import { isLockFileLeft, planLockFile } from './plan-lock-file.ts';
import { planSetting } from './plan-setting.ts';
import { isSettingRefused } from './refused-settings.ts';
import { adviceFor, adviceForInit } from './start-causes.ts';
import type { AvailabilityDetails, AvailabilityExpected } from './types.ts';

/**
 * Starts an instance that is down and would come up. What would fail again is left alone, and so is what runs: a restart
 * of a server that does not answer could lose what it is still writing.
 */
export async function plan(
  finding: Finding<AvailabilityDetails>,
  host: ReadonlyHost,
): Promise<Plan<AvailabilityExpected> | Refusal> {
  const { container: id, obstacle, approval } = finding.details;
  const instance = await host.instance(finding.instance);
  if (finding.details.kind === 'missing' || instance?.container.id !== id) return refuseMissing(finding.instance);
  const { container } = instance;
  const { name, state } = container;
  if (isLockFileLeft(obstacle)) return planLockFile(finding, instance, host);
  if (isOtherMajor(obstacle)) {
    const planned = await planImage(finding, instance, host);
    if (planned !== undefined) return planned;
  }
  if (isSettingRefused(obstacle)) {
    const planned = await planSetting(finding, instance, host);
    if (planned !== undefined) return planned;
  }
  if (finding.details.kind === 'unhealthy') return refuseUnhealthy(instance);
  if (isDiskFull(obstacle)) return refuseDiskFull(instance, obstacle, host);
  if (obstacle !== '') return refuse(finding, name);
  if (isRunning(instance))
    return refusal(`${name} is running now.`, 'Run `problems detect` again to see whether anything is still wrong.');
  return {
    ...planOn(finding, instance),
    summary: `Start ${instance.name}.`,
    steps: [
      {
        action: 'container.start',
        params: { container: id },
        expects: [
          { check: 'container', ref: id, running: false, name, startedAt: state.startedAt },
          { check: 'volume-unused', volumeKey: instance.volumeKey, except: [id] },
        ],
      },
    ],
    risk: 'safe',
    ...(approval === '' ? {} : { approval }),
    downtime: { seconds: 0, why: 'it is down already' },
    unpredictable: ['Recovery after a crash takes as long as the WAL since the last checkpoint needs.'],
    undo: 'Stops the container again.',
    expected: { container: id },
  };
}

function refuseMissing(instance: string): Refusal {
  return refusal(
    `There is no container of ${instance} to start.`,
    `If it was removed on purpose, run \`problems forget ${instance}\`. Otherwise create it again on its volume.`,
  );
}

function refuseUnhealthy(instance: Instance): Refusal {
  const { name, inspect } = instance.container;
  const { test, mistake } = failedCheck(inspect);
  return mistake === undefined
    ? refusal(
        `${instance.name} answers queries, so a restart would interrupt it for no known reason.`,
        `\`docker inspect ${name}\` shows the health check and its last output under State.Health.`,
      )
    : refusal(
        `The server of ${instance.name} answers; its health check is wrong: ${mistake}. It runs: ${test}.`,
        `Create the container with this check instead: ${rightCheck(instance)}`,
      );
}

function refuse({ instance, details: { kind, obstacle } }: Finding<AvailabilityDetails>, container: string): Refusal {
  switch (kind) {
    case 'paused':
      return refusal(
        `${container} is paused, which someone must have done on purpose.`,
        `\`docker unpause ${container}\` lets it go on.`,
      );
    case 'not-answering':
      return refusal(
        `The server of ${instance} runs but does not answer: ${obstacle}.`,
        `Read its log with \`docker logs ${container}\`. It may be in recovery, or out of file descriptors or disk space.`,
      );
    case 'half-made':
      return refusal(`${instance} runs, and its database is not complete: ${obstacle}.`, adviceForInit(container));
    case 'missing':
    case 'unhealthy':
    case 'never-started':
    case 'stopped':
    case 'failed':
    case 'restart-loop':
      return refusal(
        `${instance} would not start: ${obstacle}.`,
        adviceFor(obstacle, container) ?? `Remove the cause first, then run \`docker start ${container}\`.`,
      );
  }
}
