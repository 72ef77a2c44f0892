import type { Instance } from '../../../host/instance.ts';
import type { Expectation, Finding, Plan } from '../../contract.ts';
import { restartPolicyOf } from '../../shared/recreate.ts';
import type { PortDetails, PortExpected } from './types.ts';

/** The port is free again: nothing is moved, only what the engine does not try a second time is done. */
export function startAgain(
  finding: Finding<PortDetails>,
  instance: Instance,
  identifier: string | null,
): Plan<PortExpected> {
  const { id, name } = instance.container;
  const { port, bindings } = finding.details;
  const free = bindings
    .filter(({ hostPort }) => hostPort === String(port))
    .map(({ hostIp }): Expectation => ({ check: 'port-free', hostIp, port }));
  return {
    type: 'plan',
    remediator: finding.remediator,
    finding,
    target: { instance: instance.name, container: id, volumes: [instance.volumeKey] },
    summary: `Start ${instance.name}: its port ${port} is free again.`,
    steps: [
      {
        action: 'container.start',
        params: { container: id },
        expects: [
          { check: 'container', ref: id, running: false, name },
          { check: 'volume-unused', volumeKey: instance.volumeKey, except: [] },
          ...free,
        ],
      },
    ],
    cleanup: [],
    leftovers: [],
    risk: 'safe',
    downtime: { seconds: 0, why: `${instance.name} does not run as it is.` },
    unpredictable: [`Somebody may take port ${port} between the last look and the start: then it stays stopped.`],
    undo: 'The container is stopped again.',
    expected: {
      name,
      port,
      bindings,
      restartPolicy: restartPolicyOf(instance.container),
      same: true,
      systemIdentifier: identifier,
      databases: null,
    },
  };
}
