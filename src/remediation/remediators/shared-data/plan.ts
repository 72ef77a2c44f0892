import type { Finding, Plan, ReadonlyHost, Refusal, Step } from '../../contract.ts';
import { refusal } from '../../shared/for-each-instance.ts';
import { twoServers } from './observe.ts';
import { laterOf, type SharedDataDetails, type SharedDataExpected } from './types.ts';

/**
 * Stops the server that started later, at once: a clean shutdown would write its pages over those of the other one. The data of
 * both may be damaged already, so no backup expires and nothing else runs until someone has checked them.
 */
export async function plan(
  finding: Finding<SharedDataDetails>,
  host: ReadonlyHost,
): Promise<Plan<SharedDataExpected> | Refusal> {
  const instance = await host.instance(finding.instance);
  const found = instance === undefined ? undefined : await twoServers(instance.container, host);
  const other = found?.[1].container;
  if (instance === undefined || other === undefined || other.id !== finding.details.other)
    return refusal(`${finding.instance} has changed since it was checked.`, 'Run `problems detect` again.');
  const { container } = instance;
  const later = laterOf(container, other);
  const goesOn = later === container ? other : container;
  if (later.autoRemove)
    return refusal(
      `${later.name} is removed with its anonymous volumes when it stops (--rm).`,
      `Copy what you need from it, then run: docker kill ${later.name}`,
    );
  const { restartPolicy } = later;
  const restarts = restartPolicy.name !== 'no' && restartPolicy.name !== '';
  const steps: readonly Step[] = [
    ...(restarts
      ? [
          {
            action: 'container.update-restart-policy',
            params: { container: later.id, policy: { name: 'no', maximumRetryCount: 0 } },
            why: 'The engine would start it again.',
          },
        ]
      : []),
    {
      action: 'container.stop-second',
      params: { container: later.id, other: goesOn.id },
      expects: [
        { check: 'container', ref: later.id, running: true, name: later.name, startedAt: later.state.startedAt },
        { check: 'container', ref: goesOn.id, running: true, name: goesOn.name, startedAt: goesOn.state.startedAt },
      ],
    },
  ];
  return {
    type: 'plan',
    remediator: finding.remediator,
    finding,
    target: { instance: instance.name, container: later.id, volumes: [instance.volumeKey] },
    summary: `Stop ${later.name} at once, which started later on the data of ${goesOn.name}.`,
    done: `${later.name} stopped`,
    steps,
    cleanup: [],
    leftovers: [],
    risk: 'data',
    approval: 'it ends a server, and its clients lose their sessions',
    downtime: { seconds: 0, why: `${goesOn.name} goes on` },
    unpredictable: [
      'The data may be damaged already: check them with `problems backups` and pg_amcheck before you rely on them.',
    ],
    final: true,
    undo: `${later.name} stays stopped, since it must not run beside ${goesOn.name}.`,
    expected: { stopped: later.id, goesOn: goesOn.id },
  };
}
