import type { Instance } from '../../../host/instance.ts';
import { type Detection, type Evidence, type Finding, findingId, type ReadonlyHost } from '../../contract.ts';
import { forEachInstance } from '../../shared/for-each-instance.ts';
import { type Diagnosis, diagnose } from './diagnose.ts';
import { missingInstances, observe, recentEvents } from './observe.ts';
import type { AvailabilityDetails, Missing, Observation } from './types.ts';

export const name = 'availability';

/** How many instances to ask at the same time: a query each, and a log if it fails. */
const together = 8;

/** Every instance that must be there and must answer, and does not. */
export async function detect(host: ReadonlyHost): Promise<Detection<AvailabilityDetails>> {
  const [instances, events, missing] = await Promise.all([
    host.instances(),
    recentEvents(host),
    missingInstances(host),
  ]);
  const seen = await forEachInstance<AvailabilityDetails>(
    instances,
    host,
    { remediator: name, together },
    async (instance, noting) => {
      const observed = await observe(instance, events, host);
      const found = diagnose(observed);
      if (found === undefined) return;
      if (found.kind === 'starting')
        noting.notLookedAt(`${instance.container.name} does not answer yet: ${found.says}`);
      else noting.found(findingOn(observed, found));
    },
  );
  return { ...seen, findings: [...missing.map(missingFinding), ...seen.findings] };
}

function missingFinding({ name: instance, because }: Missing): Finding<AvailabilityDetails> {
  return {
    ...common(instance, 'missing'),
    summary: `${instance} is gone: no container has its name, but ${because}.`,
    evidence: [{ type: 'docker', object: 'containers', field: 'Name', value: `none for the instance ${instance}` }],
    details: { container: '', kind: 'missing', obstacle: 'there is no container', approval: '' },
  };
}

function findingOn(
  observed: Observation,
  { kind, says, obstacle, approval }: Exclude<Diagnosis, { readonly kind: 'starting' }>,
): Finding<AvailabilityDetails> {
  const { instance } = observed;
  return {
    ...common(instance.name, kind),
    summary: `${instance.name} ${says.replace(/\.$/, '')}.`,
    evidence: evidenceOf(instance, observed),
    details: { container: instance.container.id, kind, obstacle, approval },
  };
}

function common(
  instance: string,
  kind: AvailabilityDetails['kind'],
): Pick<Finding<AvailabilityDetails>, 'id' | 'remediator' | 'instance' | 'kind' | 'risk' | 'problem'> {
  return { id: findingId(name, instance, kind), remediator: name, instance, kind, risk: 'safe', problem: null };
}

function evidenceOf({ container }: Instance, { answer, events, log }: Observation): readonly Evidence[] {
  const { status, exitCode, error, oomKilled, health, finishedAt } = container.state;
  return [
    {
      type: 'docker',
      object: container.name,
      field: 'State',
      value: {
        Status: status,
        ExitCode: exitCode,
        ...(oomKilled ? { OOMKilled: true } : {}),
        ...(health === '' ? {} : { Health: health }),
        ...(container.state.running || finishedAt.startsWith('0001') ? {} : { FinishedAt: finishedAt }),
      },
    },
    ...(error === '' ? [] : [{ type: 'message', text: error } as const]),
    ...(answer === undefined || answer.ok
      ? []
      : [
          {
            type: 'message',
            text: answer.message,
            ...(answer.sqlstate === undefined ? {} : { sqlstate: answer.sqlstate }),
          } as const,
        ]),
    ...events
      .filter(({ action }) => ['kill', 'die', 'oom', 'stop', 'pause'].includes(action))
      .slice(-4)
      .map(({ at, action, attributes }): Evidence => {
        const signal = attributes['signal'];
        const what = signal === undefined ? action : `${action} (signal ${signal})`;
        return { type: 'docker', object: container.name, field: `event at ${at}`, value: what };
      }),
    ...log.slice(-5).map(({ at, text }): Evidence => ({ type: 'log', at, text })),
  ];
}
