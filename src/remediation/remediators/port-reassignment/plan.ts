import type { Instance } from '../../../host/instance.ts';
import type { Finding, Plan, ReadonlyHost, Refusal } from '../../contract.ts';
import { controlFile } from '../../instances/control-file.ts';
import { refusal } from '../../instances/refusal.ts';
import { candidates, firstFree } from './free-port.ts';
import { moveTo } from './moving.ts';
import { describeHolder, surveyPorts } from './observe.ts';
import { refusalFor } from './refusals.ts';
import { portSettings } from './settings.ts';
import { startAgain } from './starting.ts';
import type { PortDetails, PortExpected } from './types.ts';

/** Gives the instance a port that nobody else has a reason to hold, or says why no program should. */
export async function plan(finding: Finding<PortDetails>, host: ReadonlyHost): Promise<Plan<PortExpected> | Refusal> {
  const { details } = finding;
  const instance = await host.instance(finding.instance);
  if (instance === undefined || instance.container.id !== details.container) {
    return refusal(`${finding.instance} is another container by now.`, 'Detect again.');
  }
  const refused = await refusalFor(instance, details, host);
  if (refused !== undefined) return refused;
  const control = await controlFile(host, instance.container.id, instance.dataDirectory);
  const identifier = control?.systemIdentifier ?? null;
  if (identifier === null && hasRun(instance)) {
    return refusal(
      `${instance.container.name} has run before, and its data directory holds no cluster: a start would make an empty one.`,
      'Look for the data first: an empty mount in its place is the usual cause.',
    );
  }
  const settings = portSettings(host);
  if (details.trouble === 'free-again') return startAgain(finding, instance, identifier);
  const survey = await surveyPorts(host, settings);
  const open = candidates(survey, settings, instance.name, details.port);
  const addresses = [...new Set(details.bindings.map(({ hostIp }) => hostIp))];
  const port = await firstFree(host, open, addresses);
  if (port === undefined) {
    const { first, last } = settings.range;
    const holders = survey.holders(first).map(describeHolder).join(', ');
    return refusal(
      `No port of ${first}–${last} is free. ${first} is held by ${holders || 'a program outside Docker'}.`,
      '`problems ports` shows who holds each of them; give one back, or widen the range in the config.',
    );
  }
  return moveTo(port, { finding, instance, identifier, settings }, host);
}

function hasRun({ container }: Instance): boolean {
  return !container.state.startedAt.startsWith('0001-');
}
