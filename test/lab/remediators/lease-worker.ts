import { connect } from 'node:net';
import { leasePort, type Remediation } from '../../../src/app/remediation.ts';
import { createEngineClient } from '../engine.ts';
import { openRun, type Run } from '../run.ts';
import { openPorts } from './open-ports.ts';

/** What one process of the measurement is to do; as JSON on its command line. */
export interface LeaseJob {
  readonly run: { readonly id: string; readonly prefix: string; readonly folder: string };
  readonly state: string;
  readonly first: number;
  readonly last: number;
  readonly instances: readonly string[];
  /** `scan` takes the first port that refuses a connection, as the record of the fixture registry tells it. */
  readonly way: 'lease' | 'scan';
  readonly start: boolean;
}

/**
 * Creates the instances one after the other, each on a port that it finds itself. Says each step in a line on
 * stdout, and waits a moment between port and creation: where the parent ends it, if it does.
 */
async function work(job: LeaseJob): Promise<void> {
  const docker = createEngineClient();
  const range = { first: job.first, last: job.last };
  const run = await openRun({
    ...job.run,
    docker,
    ports: { instances: range, guis: range, release: async () => undefined },
  });
  const ports = await openPorts(run, job.state);
  for (const instance of job.instances) {
    const port = job.way === 'lease' ? await leased(ports, instance) : await scanned(job);
    say('port', instance, port);
    await new Promise((resolve) => setTimeout(resolve, 20));
    say('created', instance, await create(run, instance, port, job.start));
  }
  ports.close();
}

async function leased(ports: Remediation, instance: string): Promise<number> {
  const lease = await leasePort(ports, { instance, ttlMs: 120_000 });
  if (lease === undefined) throw new Error(`no port for ${instance}`);
  return lease.port;
}

async function scanned({ first, last }: LeaseJob): Promise<number> {
  for (let port = first; port <= last; port += 1) if (!(await answers(port))) return port;
  throw new Error('every port answers');
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** The port; 0 if the instance was created and could not be started. */
async function create(run: Run, instance: string, port: number, start: boolean): Promise<number> {
  const container = await run.docker.createContainer({
    name: `${run.prefix}vrooli-postgres-${instance}`,
    Image: `problems-lab/postgres-seeded:${run.postgres}`,
    Labels: { ...run.labels },
    ExposedPorts: { '5432/tcp': {} },
    HostConfig: { PortBindings: { '5432/tcp': [{ HostIp: '', HostPort: String(port) }] } },
  });
  if (!start) return port;
  return container.start().then(
    () => port,
    () => 0,
  );
}

function say(word: 'port' | 'created', instance: string, port: number): void {
  process.stdout.write(`${word} ${instance} ${port}\n`);
}

await work(JSON.parse(process.argv[2] ?? ''));
