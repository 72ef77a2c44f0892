/**
 * A board for a service that has tasks behind an HTTP API: the queue stays the truth, and the service shows what its agents may
 * take. The service of this example answers
 *
 *     GET    /tasks        [{ "id": "…", "status": "open" | "running" | "done" | "failed", "run": "…", "endedAt": "…", "error": "…" }]
 *     PUT    /tasks/<id>   { "title": "…", "description": "…", "score": 0.7, "lane": "agents" | "people" }
 *     DELETE /tasks/<id>   409 if someone has taken it
 *
 * node examples/http-board.ts <folder> <address>
 */
import { loadConfig } from 'problem-registry';
import { type Board, type BoardTask, exchange, openSwarm, type SwarmTask } from 'problem-registry/swarm';
import { z } from 'zod';

/** What the service says is checked like everything else that comes from outside. */
const remoteTasks = z
  .array(
    z.object({
      id: z.string().regex(/^[a-z0-9-]{1,100}$/),
      status: z.enum(['open', 'running', 'done', 'failed']),
      /** The service's own id of the run that ended. */
      run: z.string().max(100).default(''),
      endedAt: z.iso.datetime().optional(),
      error: z.string().max(8_000).default(''),
    }),
  )
  .max(10_000);

export function httpBoard(address: string, token = ''): Board {
  async function ask(method: string, path: string, body?: object): Promise<Response> {
    return fetch(new URL(path, address), {
      method,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(10_000),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  async function listed(): Promise<z.output<typeof remoteTasks>> {
    const answer = await ask('GET', '/tasks');
    if (!answer.ok) throw new Error(`The service answers ${answer.status}.`);
    return remoteTasks.parse(await answer.json());
  }

  async function show({ id, task }: SwarmTask, lane: 'agents' | 'people'): Promise<Response> {
    const { title, description, priority } = task;
    return ask('PUT', `/tasks/${id}`, { title, description, score: priority.score, lane });
  }

  return {
    name: `service ${new URL(address).host}`,
    async read() {
      return (await listed()).flatMap(({ id, status, run, endedAt: at, error }): BoardTask[] => {
        if (status === 'open') return [{ id, state: 'listed' }];
        if (status === 'running') return [{ id, state: 'taken' }];
        if (at === undefined) return [];
        const report =
          status === 'done' ? ({ result: 'done' } as const) : ({ result: 'failed', notes: error } as const);
        // The key is the same each time, so that the outcome counts once.
        return [{ id, state: 'ended', key: `run ${run}`, at, report }];
      });
    },
    async write({ ready, people, others }) {
      const there = new Set((await listed()).map(({ id }) => id));
      const gone = others.filter(({ id }) => there.has(id));
      const answers = [
        ...ready.map(async (entry) => [entry.id, await show(entry, 'agents')] as const),
        ...people.map(async (entry) => [entry.id, await show(entry, 'people')] as const),
        ...gone.map(async ({ id }) => [id, await ask('DELETE', `/tasks/${id}`)] as const),
      ];
      return (await Promise.all(answers))
        .filter(([, { ok }]) => !ok)
        .map(([about, { status }]) => ({ about, message: `The service answers ${status}.` }));
    },
  };
}

if (process.argv[1] === import.meta.filename) {
  const [cwd = process.cwd(), address = 'http://localhost:8080'] = process.argv.slice(2);
  const swarm = await openSwarm({ cwd, config: await loadConfig(cwd) });
  await swarm.syncProject();
  const { reported, held, notes } = await exchange(swarm, httpBoard(address, process.env['SERVICE_TOKEN']));
  console.log(`${reported.length} outcomes, ${held.length} taken`);
  for (const { about, message } of notes) console.log(`${about}: ${message}`);
  swarm.close();
}
