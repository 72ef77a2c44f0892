import type { Finding, Plan, ReadonlyHost, Refusal } from '../../contract.ts';
import { poolerOf } from '../../instances/pooler.ts';
import { refusal } from '../../instances/refusal.ts';
import { ceilingOf } from './ceiling.ts';
import type { PoolDetails, PoolExpected } from './types.ts';
import { diagnose } from './diagnose.ts';
import { planLeak } from './leaking.ts';
import { measure } from './observe.ts';
import { lastSample } from './measured.ts';
import { planPooler } from './plan-pooler.ts';
import { planRaise, wantedConnections } from './plan-max-connections.ts';
import { refusalFor, refusalPastPooler, refusalWithoutSlot } from './refusals.ts';
import { poolSettings } from './settings.ts';

/** Measures again, and plans the repair of what is still so. */
export async function plan(finding: Finding<PoolDetails>, host: ReadonlyHost): Promise<Plan<PoolExpected> | Refusal> {
  const { details } = finding;
  const instance = await host.instance(finding.instance);
  if (instance === undefined || instance.container.id !== details.container)
    return refusal(`${finding.instance} is another container by now.`, 'Detect again.');
  const settings = poolSettings(host);
  const measurement = await measure(instance, host, settings);
  if (measurement.type === 'unknown') return refusal(measurement.reason, 'Detect again.');
  if (measurement.type === 'shut-out') return refusalWithoutSlot(instance.name);
  const { measured } = measurement;
  const pooler = await poolerOf(instance, host);
  if (details.kind === 'past-the-pooler' && pooler !== undefined) return refusalPastPooler(instance.name, pooler.name);
  const diagnosis = diagnose(measured, settings).find(
    (one) =>
      one.kind === details.kind &&
      (one.kind !== 'deliberate-limit' || `${one.limit.kind} ${one.limit.name}` === details.subject),
  );
  if (diagnosis === undefined) return refusal(`${instance.name} is not as it was found.`, 'Detect again.');
  switch (diagnosis.kind) {
    case 'leak':
      return planLeak(finding, instance, measured, diagnosis, settings, host);
    case 'deliberate-limit':
    case 'lock-pile-up':
    case 'idle-leak':
    case 'undetermined':
      return refusalFor(diagnosis, instance.name, measured);
    case 'undersized': {
      const found = await ceilingOf(instance, measured.cpus, host);
      const wanted = wantedConnections(diagnosis.demand, measured.limits.reserved, found.ceiling.connections);
      if (wanted !== undefined && wanted > measured.limits.maxConnections)
        return planRaise(finding, instance, measured, wanted, found, host);
      return planPooler(finding, instance, measured, diagnosis.demand, settings, host);
    }
    case 'load':
    case 'oversized-pools':
      return planPooler(finding, instance, measured, lastSample(measured).sessions.length, settings, host);
    case 'no-pooling':
      return planPooler(finding, instance, measured, diagnosis.demand, settings, host);
  }
}
