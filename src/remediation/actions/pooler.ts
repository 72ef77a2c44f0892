import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import type { Container } from '../../host/docker/types.ts';
import type { Host, ReadonlyHost } from '../contract.ts';
import { poolerLogin, poolerOf, poolerPort, poolerRole } from '../instances/pooler.ts';
import { needInstance } from './auto-conf-file.ts';

/** Asking a pooler of ours to hold its clients back, and to let them go on. */

export const pausing = z.strictObject({ instance: z.string() });

export type Pausing = z.output<typeof pausing>;

/** For how long clients' transactions are waited for. */
const patienceSeconds = 30;

/** The command comes on stdin, behind the secret. */
const script = String.raw`
IFS= read -r PGPASSWORD; IFS= read -r command
export PGPASSWORD PGHOST=127.0.0.1 PGPORT=${poolerPort} PGUSER=${poolerRole} PGDATABASE=pgbouncer PGCONNECT_TIMEOUT=10
exec timeout ${patienceSeconds} psql -X -q -c "$command"
`;

/** Whether it holds its clients back now: by its own log, where the last order stands. */
export async function isPaused(instance: string, host: ReadonlyHost): Promise<boolean> {
  const pooler = await needPooler(instance, host);
  const lines = await host.docker.logs(pooler.id, { since: pooler.state.startedAt, tail: 5_000 });
  const last = lines.findLast(({ text }) => /(?:PAUSE|RESUME) command issued|SIGUSR2/.test(text));
  return last?.text.includes('PAUSE command issued') === true;
}

/** @throws Error: transactions did not end in time; then clients go on. */
export async function order(command: 'PAUSE' | 'RESUME', instance: string, host: Host): Promise<void> {
  if ((await isPaused(instance, host)) === (command === 'PAUSE')) return;
  const pooler = await needPooler(instance, host);
  const { exitCode, stderr } = await ask(command, instance, pooler, host);
  if (exitCode === 0) return;
  if (command === 'PAUSE') await ask('RESUME', instance, pooler, host);
  throw new Error(
    exitCode === 124 || exitCode === 143
      ? `transactions of clients of ${pooler.name} did not end within ${patienceSeconds} s`
      : `${pooler.name}: ${stderr.trim().slice(0, 300)}`,
  );
}

async function ask(
  command: 'PAUSE' | 'RESUME',
  instance: string,
  pooler: Container,
  host: Host,
): Promise<{ readonly exitCode: number; readonly stderr: string }> {
  const login = await poolerLogin(pooler, host);
  if (login === undefined) throw new ProblemsError('step-refused', `${pooler.name} has no login of ours.`);
  return host.change.docker.runHelper({
    image: (await needInstance(host, instance)).container.image,
    command: ['sh', '-c', script],
    stdin: `${login.password}\n${command}\n`,
    network: { container: pooler.id },
    user: '65534:65534',
    timeoutMs: (patienceSeconds + 15) * 1000,
    maxBytes: 16_384,
  });
}

async function needPooler(instance: string, host: ReadonlyHost): Promise<Container> {
  const pooler = await poolerOf(await needInstance(host, instance), host);
  if (pooler?.state.running !== true)
    throw new ProblemsError('step-refused', `No pooler of ours runs in front of ${instance}.`);
  return pooler;
}
