import type { ReadonlyHost } from '../remediation/contract.ts';
import type { Remediation } from './open-remediation.ts';
import { sampledDays, usualNeeds } from './recommend-limits.ts';
import { budgetOf, machineMemory } from '../remediation/shared/memory.ts';
import { describeHolder, portSettings, surveyPorts } from '../remediation/remediators/port-reassignment/index.ts';

export interface PreflightQuestion {
  readonly port?: number;
  /** A volume's name, or a folder on the engine's machine. */
  readonly volume?: string;
  /** Bytes. */
  readonly memory?: number;
  /** Name of the instance; resources it already holds do not count as conflicts. */
  readonly instance?: string;
}

export interface PreflightAnswer {
  readonly about: 'port' | 'volume' | 'memory';
  readonly ok: boolean;
  readonly reasons: readonly string[];
}

/** Whether an instance with these resources could be created now. Changes nothing. */
export async function preflight(
  remediation: Remediation,
  question: PreflightQuestion,
): Promise<readonly PreflightAnswer[]> {
  const { reader } = remediation.session;
  const answers: PreflightAnswer[] = [];
  if (question.port !== undefined) answers.push(await askPort(reader, question.port, question.instance));
  if (question.volume !== undefined) answers.push(await askVolume(reader, question.volume));
  if (question.memory !== undefined) {
    const answer = await askMemory(reader, question.memory, question.instance);
    const needs = usualNeeds(await sampledDays(remediation));
    answers.push(needs === undefined ? answer : { ...answer, reasons: [...answer.reasons, needs] });
  }
  return answers;
}

type Reader = ReadonlyHost;

async function askPort(reader: Reader, port: number, instance: string | undefined): Promise<PreflightAnswer> {
  const settings = portSettings(reader);
  const survey = await surveyPorts(reader, settings);
  const reasons = survey
    .holders(port)
    .filter((holder) => instance === undefined || holder.instance !== instance)
    .map(describeHolder);
  const [probe] = await reader.probes.portsFree([{ hostIp: '', port }]);
  // A running container is already listed; its listener would be the same reason again.
  if (probe?.free !== true && reasons.length === 0) reasons.push(`it cannot be bound: ${probe?.reason ?? 'unknown'}`);
  return {
    about: 'port',
    ok: reasons.length === 0,
    reasons: reasons.length === 0 ? [`port ${port} is free`] : reasons,
  };
}

async function askVolume(reader: Reader, volume: string): Promise<PreflightAnswer> {
  const isFolder = volume.startsWith('/');
  const users = (await reader.docker.containers()).filter(({ mounts }) =>
    mounts.some((mount) =>
      isFolder ? mount.type === 'bind' && overlaps(mount.source, volume) : mount.name === volume,
    ),
  );
  const running = users.filter(({ state }) => state.running);
  if (running.length > 0) {
    return {
      about: 'volume',
      ok: false,
      reasons: running.map(({ name }) => `${name} is running on it: two servers on one volume corrupt it`),
    };
  }
  const exists = isFolder || (await reader.docker.volume(volume)) !== undefined;
  const reasons = users.map(({ name }) => `the stopped container ${name} uses it: only one of the two may ever run`);
  return {
    about: 'volume',
    ok: true,
    reasons: reasons.length > 0 ? reasons : [exists ? 'no container uses it' : 'it does not exist yet'],
  };
}

/**
 * Whether the limits of all containers and the requested memory fit into the machine's budget.
 * See docs/engineering/memory.md#host-budget.
 */
async function askMemory(reader: Reader, memory: number, instance: string | undefined): Promise<PreflightAnswer> {
  const { memoryBytes, members } = await machineMemory(reader);
  const others = members.filter((one) => instance === undefined || one.instance?.name !== instance);
  const { budget, promised, left, unlimited } = budgetOf({ memoryBytes, members: others });
  const reasons = [
    `containers may use ${inMiB(promised)}, ${inMiB(memory)} are requested, and the budget is ${inMiB(budget)}`,
  ];
  if (unlimited.length > 0) reasons.push(`not counted, since they have no limit: ${named(unlimited)}`);
  return { about: 'memory', ok: memory <= left, reasons };
}

function named(names: readonly string[]): string {
  return names.length <= 3 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`;
}

function overlaps(a: string, b: string): boolean {
  const [left, right] = [`${a.replace(/\/+$/, '')}/`, `${b.replace(/\/+$/, '')}/`];
  return left.startsWith(right) || right.startsWith(left);
}

function inMiB(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}
