import type { Container } from '../../../host/docker/types.ts';
import type { Instance } from '../../../host/instance.ts';
import { type Detection, type Evidence, type Finding, findingId, type ReadonlyHost } from '../../contract.ts';
import { poolerOf, isRunning } from '../../shared/availability.ts';
import { forEachInstance } from '../../shared/for-each-instance.ts';
import { evidenceOf, summaryOf } from './describe.ts';
import { diagnose, type Diagnosis, type DiagnosisKind } from './diagnose.ts';
import { observe } from './observe.ts';
import { sessionsByTitle } from './plan-slot.ts';
import {
  type FindingKind,
  lastSample,
  type Observation,
  ordinarySlots,
  type PoolDetails,
  type PoolSettings,
  poolSettings,
  type Refused,
} from './types.ts';

export const name = 'connection-pool';

const together = 4;

/** Instances that refuse sessions, or soon will. Samples running instances once, and several times under pressure. */
export async function detect(host: ReadonlyHost): Promise<Detection<PoolDetails>> {
  const settings = poolSettings(host);
  const each = { remediator: name, together, only: isRunning };
  return forEachInstance(await host.instances(), host, each, async (instance, noting) => {
    noting.found(...(await findingsOn(instance, host, settings)));
  });
}

async function findingsOn(
  instance: Instance,
  host: ReadonlyHost,
  settings: PoolSettings,
): Promise<readonly Finding<PoolDetails>[]> {
  const measurement = await observe(instance, host, settings);
  if (measurement.type === 'unknown') throw new Error(measurement.reason);
  if (measurement.type === 'shut-out') return [await shutOut(instance, measurement.refused, host)];
  const { measured } = measurement;
  const pooler = await poolerOf(instance, host);
  return diagnose(measured, settings).map((diagnosis) =>
    findingOf(instance, measured, diagnosis, isForPooler(diagnosis.kind) && goPast(measured, pooler)),
  );
}

/** Whether most sessions bypass the pooler. */
function goPast(measured: Observation, pooler: Container | undefined): boolean {
  if (pooler?.state.running !== true) return false;
  const own = pooler.endpoints.flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6]).filter((address) => address !== '');
  const { sessions } = lastSample(measured);
  return sessions.filter(({ client }) => own.includes(client)).length * 2 < sessions.length;
}

/** Diagnoses that a pooler solves. */
function isForPooler(kind: DiagnosisKind): boolean {
  return ['oversized-pools', 'load', 'no-pooling', 'undersized'].includes(kind);
}

function findingOf(
  instance: Instance,
  measured: Observation,
  diagnosis: Diagnosis,
  hasPooler: boolean,
): Finding<PoolDetails> {
  const summary = summaryOf(instance.name, measured, diagnosis);
  const subject = diagnosis.kind === 'deliberate-limit' ? `${diagnosis.limit.kind} ${diagnosis.limit.name}` : '';
  return make(instance, hasPooler ? 'past-the-pooler' : diagnosis.kind, {
    subject,
    summary: hasPooler ? `${summary} It has a pooler, which these sessions bypass.` : summary,
    evidence: evidenceOf(measured, diagnosis),
    used: lastSample(measured).sessions.length,
    ordinary: ordinarySlots(measured.limits),
  });
}

/** Only process titles can be read. */
async function shutOut(instance: Instance, refused: Refused, host: ReadonlyHost): Promise<Finding<PoolDetails>> {
  const titles = await sessionsByTitle(instance, host);
  return make(instance, 'no-slot-left', {
    subject: '',
    summary:
      refused.reached.limit === 'all-slots'
        ? `${instance.name} refuses every session, superusers included: ${titles[0] ?? 'no process title shows who holds them'}.`
        : `${instance.name} refuses ${instance.user}: ${refused.text}.`,
    evidence: [
      { type: 'message', text: refused.text, sqlstate: '53300' },
      { type: 'probe', name: 'serverTitles', result: titles.slice(0, 20).join('\n') },
    ],
    used: titles.reduce((sum, line) => sum + Number.parseInt(line, 10), 0),
    ordinary: 0,
  });
}

function make(
  { name: instance, container }: Instance,
  kind: FindingKind,
  seen: {
    readonly subject: string;
    readonly summary: string;
    readonly evidence: readonly Evidence[];
    readonly used: number;
    readonly ordinary: number;
  },
): Finding<PoolDetails> {
  const { subject, summary, evidence, used, ordinary } = seen;
  return {
    id: findingId(name, instance, kind, ...(subject === '' ? [] : [subject.replaceAll(' ', '-')])),
    remediator: name,
    instance,
    kind,
    summary,
    risk: kind === 'undersized' ? 'restart' : 'safe',
    evidence,
    details: { container: container.id, kind, subject, used, ordinary },
    problem: null,
  };
}
