import type { Finding, Plan, ReadonlyHost, Refusal } from '../../contract.ts';
import { poolerOf } from '../../shared/availability.ts';
import { refusal } from '../../shared/for-each-instance.ts';
import { diagnose } from './diagnose.ts';
import { observe } from './observe.ts';
import { planUnused } from './plan-idle.ts';
import { planLeak } from './plan-leak.ts';
import { ceilingOf, planRaise, wantedConnections } from './plan-max-connections.ts';
import { planPooler } from './plan-pooler.ts';
import { planSlot } from './plan-slot.ts';
import { refusalFor, refusalPastPooler } from './refusals.ts';
import { lastSample, type PoolDetails, type PoolExpected, poolSettings } from './types.ts';

/** Measures again, and plans the repair if the problem persists. */
export async function plan(finding: Finding<PoolDetails>, host: ReadonlyHost): Promise<Plan<PoolExpected> | Refusal> {
  const { details } = finding;
  const instance = await host.instance(finding.instance);
  if (instance === undefined || instance.container.id !== details.container)
    return refusal(`${finding.instance} has been recreated since it was checked.`, 'Run `problems detect` again.');
  const settings = poolSettings(host);
  const measurement = await observe(instance, host, settings);
  if (measurement.type === 'unknown') return refusal(measurement.reason, 'Run `problems detect` again.');
  if (measurement.type === 'shut-out') return planSlot(finding, instance, measurement.refused, host);
  const { measured } = measurement;
  const pooler = await poolerOf(instance, host);
  if (details.kind === 'past-the-pooler' && pooler !== undefined) return refusalPastPooler(instance.name, pooler.name);
  const diagnosis = diagnose(measured, settings).find(
    (one) =>
      one.kind === details.kind &&
      (one.kind !== 'deliberate-limit' || `${one.limit.kind} ${one.limit.name}` === details.subject),
  );
  if (diagnosis === undefined)
    return refusal(`${instance.name} has changed since it was checked.`, 'Run `problems detect` again.');
  switch (diagnosis.kind) {
    case 'leak':
      return planLeak(finding, instance, measured, diagnosis, settings, host);
    case 'idle-leak':
    case 'oversized-pools':
      return planUnused(finding, instance, measured, diagnosis, settings, host);
    case 'deliberate-limit':
    case 'lock-pile-up':
    case 'undetermined':
      return refusalFor(diagnosis, instance.name, measured);
    case 'undersized': {
      const found = await ceilingOf(instance, measured.cpus, host);
      const wanted = wantedConnections(diagnosis.demand, measured.limits.reserved, found.ceiling.connections);
      if (wanted !== undefined && wanted > measured.limits.maxConnections)
        return planRaise(finding, instance, measured, wanted, found, host);
      const why = `Clients need ${diagnosis.demand} sessions, and the memory of the server allows ${found.ceiling.connections} connections.`;
      return planPooler(finding, instance, measured, { demand: diagnosis.demand, why }, settings, host);
    }
    case 'load': {
      const demand = lastSample(measured).sessions.length;
      const why = `${diagnosis.busy} sessions work at once on ${measured.cpus} CPUs; more slots would slow all of them down.`;
      return planPooler(finding, instance, measured, { demand, why }, settings, host);
    }
    case 'no-pooling': {
      const why = `Clients open ${Math.round(diagnosis.perSecond)} sessions per second instead of reusing them; more slots would fill up as well.`;
      return planPooler(finding, instance, measured, { demand: diagnosis.demand, why }, settings, host);
    }
  }
}
