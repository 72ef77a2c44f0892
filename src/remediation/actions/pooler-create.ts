import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import type { Container } from '../../host/docker/types.ts';
import type { Instance } from '../../host/instance.ts';
import { runLabel } from '../../host/docker/shapes.ts';
import type { SqlOptions } from '../../host/postgres/types.ts';
import type { Action, Host, ReadonlyHost, RunContext } from '../contract.ts';
import { poolerConfigFile, poolerLabel, poolerPort, poolerRole } from '../shared/availability.ts';
import { requireInstance } from './setting.ts';
import { poolerConfig, poolerEntry } from './pooler.ts';
import { operations } from '../operations.ts';

const plainName = z.string().regex(/^[A-Za-z0-9_.-]{1,63}$/);

const params = z.strictObject({
  instance: z.string(),
  /** Name of the pooler's container. */
  name: z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/),
  /** By id. */
  image: z.string(),
  /** uid and gid for PgBouncer, which refuses to run as root. */
  user: z.string().regex(/^\d{1,10}:\d{1,10}$/),
  /** The instance's network. */
  networks: z.array(z.string()).min(1),
  /** The server's name on that network. */
  server: z.strictObject({ host: plainName, port: z.int().min(1).max(65_535) }),
  databases: z.array(plainName).min(1).max(100),
  mode: z.enum(['session', 'transaction']),
  poolSize: z.int().min(1).max(1_000),
  perDatabase: z.int().min(1).max(5_000),
  maxClients: z.int().min(10).max(100_000),
  ownConnections: z.int().min(1).max(20),
});

type Wanted = z.output<typeof params>;

/**
 * Creates the role, its lookup function and the container. Clients are switched separately.
 * See docs/engineering/pgbouncer.md#authentication.
 */
export const poolerCreate: Action<Wanted, null> = {
  name: 'pooler.create',
  description:
    'Creates a PgBouncer container for an instance, with a role that may only look up password verifiers. Clients use it once they are switched to it.',
  params,
  undoState: z.null(),
  operation: operations['insert-pooler'],
  deadlineMs: 180_000,
  describe: ({ instance, name, mode }) => `create the pooler ${name} (${mode} mode) for ${instance}`,
  async effect({ name, server, mode, poolSize, perDatabase, maxClients }) {
    const after = `${name}:${poolerPort} → ${server.host}:${server.port}, ${mode} mode, at most ${poolSize} sessions for each role and ${perDatabase} for each database, ${maxClients} clients`;
    return [{ object: `container ${name}`, before: 'none', after }];
  },
  async prepare(wanted, host) {
    const instance = await requireInstance(host, wanted.instance);
    if ((await host.docker.container(wanted.name)) !== undefined)
      throw new ProblemsError('step-refused', `Container ${wanted.name} already exists.`);
    if (await hasRole(instance, host))
      throw new ProblemsError('step-refused', `${wanted.instance} already has a role ${poolerRole}.`);
    return null;
  },
  async isDone({ name }, host, run) {
    const made = await ofRun(name, host, run);
    return made !== undefined && (await isUp(made, host));
  },
  async apply(wanted, host) {
    if (await poolerCreate.isDone(wanted, host, host.run)) return;
    const instance = await requireInstance(host, wanted.instance);
    await removeContainer(wanted.name, host);
    // A new secret each time: the secret of a killed run is lost.
    const secret = randomBytes(24).toString('hex');
    await setRole(instance, secret, host);
    for (const database of wanted.databases) await addLookup(instance, database, host);
    await startPooler(wanted, secret, host);
  },
  async undo(wanted, _before, host) {
    await removeContainer(wanted.name, host);
    const instance = await requireInstance(host, wanted.instance);
    if (!(await hasRole(instance, host))) return;
    for (const database of wanted.databases) {
      await must(instance, `DROP FUNCTION IF EXISTS ${poolerRole}.lookup(text)`, host, { database });
      await must(instance, `DROP SCHEMA IF EXISTS ${poolerRole}`, host, { database });
    }
    await must(instance, `DROP ROLE ${poolerRole}`, host);
  },
  async isUndone({ instance, name }, _before, host) {
    return (
      (await host.docker.container(name)) === undefined && !(await hasRole(await requireInstance(host, instance), host))
    );
  },
};

async function setRole(instance: Instance, secret: string, host: Host): Promise<void> {
  const verb = (await hasRole(instance, host)) ? 'ALTER' : 'CREATE';
  await must(
    instance,
    `${verb} ROLE ${poolerRole} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT PASSWORD '${scramVerifier(secret)}'`,
    host,
  );
}

/**
 * Only superusers can read password verifiers. The function returns the verifier of a role that may log in and is neither
 * superuser nor expired (CVE-2025-2291), and only to the pooler's role. It sets its own search_path.
 */
async function addLookup(instance: Instance, database: string, host: Host): Promise<void> {
  const statements = [
    `CREATE SCHEMA IF NOT EXISTS ${poolerRole}`,
    `CREATE OR REPLACE FUNCTION ${poolerRole}.lookup(wanted text) RETURNS TABLE (usename text, passwd text)
     LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
     AS 'SELECT rolname::text, rolpassword FROM pg_catalog.pg_authid
       WHERE rolname = wanted AND rolcanlogin AND NOT rolsuper AND NOT rolreplication
         AND (rolvaliduntil IS NULL OR rolvaliduntil > pg_catalog.now())'`,
    `REVOKE ALL ON FUNCTION ${poolerRole}.lookup(text) FROM PUBLIC`,
    `GRANT USAGE ON SCHEMA ${poolerRole} TO ${poolerRole}`,
    `GRANT EXECUTE ON FUNCTION ${poolerRole}.lookup(text) TO ${poolerRole}`,
  ];
  for (const statement of statements) await must(instance, statement, host, { database });
}

/** Bytes. PgBouncer needs about 5 KiB for a connection (a 4 KiB buffer and its state), the kernel the rest. */
const connectionMemory = 32 * 2 ** 10;

const ownMemory = 64 * 2 ** 20;

async function startPooler(wanted: Wanted, secret: string, host: Host): Promise<void> {
  const { instance, name, image, user, networks, maxClients, poolSize, databases } = wanted;
  const [first = '', ...others] = networks;
  const files = maxClients + poolSize * databases.length * 20 + 200;
  const memory = ownMemory + files * connectionMemory;
  const id = await host.change.docker.create({
    name,
    config: {
      Image: image,
      User: user,
      Entrypoint: ['sh', '-c', poolerEntry],
      Cmd: [],
      Env: [],
      Labels: { ...host.run.labels, [poolerLabel]: instance },
      Healthcheck: { Test: ['NONE'] },
      ExposedPorts: { [`${poolerPort}/tcp`]: {} },
      OpenStdin: true,
      StdinOnce: true,
      AttachStdin: true,
      HostConfig: {
        NetworkMode: first,
        RestartPolicy: { Name: 'unless-stopped' },
        Memory: memory,
        MemorySwap: memory,
        CapDrop: ['ALL'],
        SecurityOpt: ['no-new-privileges'],
        Ulimits: [{ Name: 'nofile', Soft: files, Hard: files }],
      },
      NetworkingConfig: { EndpointsConfig: { [first]: {} } },
    },
  });
  for (const network of others) await host.change.docker.connect(network, id, {});
  await host.change.docker.startWith(id, `${secret}\n${poolerConfig(wanted)}`);
  const until = performance.now() + 30_000;
  for (;;) {
    const made = await host.docker.container(id);
    if (made !== undefined && (await isUp(made, host))) return;
    if (performance.now() > until) throw new Error(`${name} does not accept clients: ${await lastWords(id, host)}`);
    await sleep(200, undefined, { signal: host.signal });
  }
}

/**
 * Checks PgBouncer's log since its container started, and its configuration file: a container that was never given its
 * configuration keeps running too.
 */
async function isUp({ id, state }: Container, host: ReadonlyHost): Promise<boolean> {
  // Docker reports a container in a restart loop as running.
  if (!state.running || state.status !== 'running') return false;
  if ((await host.docker.file(id, poolerConfigFile)) === undefined) return false;
  const lines = await host.docker.logs(id, { since: state.startedAt, tail: 20_000 });
  return lines.some(({ text }) => text.includes('process up: PgBouncer'));
}

async function lastWords(id: string, host: ReadonlyHost): Promise<string> {
  const lines = await host.docker.logs(id, { tail: 3 });
  return lines.map(({ text }) => text.slice(0, 200)).join(' ') || 'its log is empty';
}

/** It has no data; volumes that its image declares are kept. */
async function removeContainer(name: string, host: Host): Promise<void> {
  const made = await ofRun(name, host, host.run);
  if (made === undefined) return;
  if (made.state.running) await host.change.docker.stop(made.id, { timeoutSeconds: 10 });
  await host.change.docker.remove(made.id);
}

/** Only a container that this run made is ever removed. */
async function ofRun(name: string, host: ReadonlyHost, run: RunContext): Promise<Container | undefined> {
  const found = await host.docker.container(name);
  return found?.labels[runLabel] === run.labels[runLabel] ? found : undefined;
}

async function hasRole(instance: Instance, host: ReadonlyHost): Promise<boolean> {
  const answer = await host.sql.query(instance, 'SELECT FROM pg_catalog.pg_roles WHERE rolname = $1', {
    values: [poolerRole],
  });
  if (!answer.ok) throw new Error(`${instance.name}: ${answer.message}`);
  return answer.rows.length > 0;
}

async function must(instance: Instance, sql: string, host: Host, options: SqlOptions = {}): Promise<void> {
  const answer = await host.change.sql.execute(instance, sql, options);
  if (!answer.ok) throw new Error(`${instance.name}: ${answer.message}`);
}

/** A password as PostgreSQL stores it (RFC 5803), so that no file or log contains the password itself. */
export function scramVerifier(password: string, salt: Uint8Array = randomBytes(16)): string {
  const iterations = 4_096;
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256');
  const stored = createHash('sha256').update(hmac(salted, 'Client Key')).digest('base64');
  const server = hmac(salted, 'Server Key').toString('base64');
  return `SCRAM-SHA-256$${iterations}:${Buffer.from(salt).toString('base64')}$${stored}:${server}`;
}

function hmac(key: Uint8Array, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
