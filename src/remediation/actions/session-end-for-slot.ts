import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import type { Instance } from '../../host/instance.ts';
import type { Action, Host, ReadonlyHost } from '../contract.ts';
import { operations } from '../operations.ts';

/**
 * Ends one session of a server whose slots are all taken, and takes its slot. Nothing can be asked of such a server, so the
 * session is known by its process alone. See docs/engineering/connections.md#process-titles.
 */

const params = z.strictObject({
  /** By name: if its container has been restarted since, the process does not exist any more. */
  instance: z.string(),
  pid: z.int().min(2),
  /** In clock ticks since the machine started. A pid may be reused, but not together with its start. */
  started: z.string().regex(/^\d{1,20}$/),
  /** Of the server's processes; never root. */
  uid: z.int().positive(),
  /** Role, database, client and state. If it differs when the session is to be ended, it is left alone. */
  title: z.string().startsWith('postgres: ').max(1_000),
});

type Params = z.output<typeof params>;

/** What is known of the session. It cannot be restored. */
const before = z.strictObject({ title: z.string() });

/** A backend that has got the signal ends at once, unless it waits for the disk. Other clients wait for its slot too. */
const patienceMs = 15_000;

/** The slot is kept by this process: the verification and the checks that follow ask over it. */
async function endAndTake({ instance: name, pid, started, uid, title }: Params, host: Host): Promise<void> {
  const instance = await requireInstance(name, host);
  const { sql } = host.change;
  const answer = await sql.endBackend(instance, { pid, started, uid, title });
  if (answer === 'changed')
    throw new ProblemsError(
      'step-refused',
      `Process ${pid} of ${name} is no longer "${title}", so it was left alone.`,
      {
        hint: 'Run `problems detect` again: another session may be chosen.',
      },
    );
  const taken = await sql.takeSlot(instance, { patienceMs });
  if (taken.ok) return;
  throw new Error(
    taken.sqlstate === '53300'
      ? `session ${pid} of ${name} was ended, but no slot could be taken within ${patienceMs / 1000} s: ${taken.message}`
      : `session ${pid} of ${name} was ended, but the server does not let ${instance.user} in: ${taken.message}`,
  );
}

async function exists({ instance: name, pid, started }: Params, host: ReadonlyHost): Promise<boolean> {
  const processes = await host.probes.serverProcesses(await requireInstance(name, host));
  return processes.some((process) => process.pid === pid && process.started === started);
}

async function requireInstance(name: string, host: ReadonlyHost): Promise<Instance> {
  const instance = await host.instance(name);
  if (instance === undefined) throw new ProblemsError('step-refused', `There is no instance ${name}.`);
  return instance;
}

export const sessionEndForSlot: Action<Params, z.output<typeof before>> = {
  name: 'session.end-for-slot',
  description:
    'Ends one idle session of a server that accepts no other, by SIGTERM within the container as the user of the server, and takes its slot at once. Its pid, start and title are checked right before. Undo does not restore it: its client opens a new one.',
  params,
  undoState: before,
  operation: operations['end-session-for-slot'],
  deadlineMs: 60_000,
  describe: ({ pid, title }) => `end the session of process ${pid} (${title}) and take its slot`,
  async effect({ instance, pid, title }) {
    return [{ object: `process ${pid} of ${instance}`, before: title, after: 'ended' }];
  },
  prepare: ({ title }) => Promise.resolve({ title }),
  isDone: async (request, host) => !(await exists(request, host)),
  apply: endAndTake,
  undo: () => Promise.resolve(),
  isUndone: () => Promise.resolve(true),
};
