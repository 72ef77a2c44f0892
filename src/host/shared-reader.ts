import type { LogOptions } from './docker/types.ts';
import type { Instance } from './instance.ts';
import type { SqlReader, SqlResult } from './postgres/types.ts';
import type { HostReader } from './types.ts';

/**
 * The same reader for one round of checks. What several checks ask the engine is asked once: containers, networks, images
 * and logs. `instance` and `docker.container` are still asked each time, so that a check can see what
 * has changed since. A server that did not answer in time is not waited for again.
 *
 * @example
 * const shared = shareAnswers(host.reader);
 * await Promise.all(remediators.map((remediator) => remediator.detect(shared)));
 */
export function shareAnswers<Reader extends HostReader>(reader: Reader): Reader {
  const { docker } = reader;
  return {
    ...reader,
    docker: {
      ...docker,
      info: once(() => docker.info()),
      containers: once(() => docker.containers()),
      networks: once(() => docker.networks()),
      volumes: once(() => docker.volumes()),
      image: once((ref: string) => docker.image(ref)),
      logs: once((ref: string, options?: LogOptions) => docker.logs(ref, options)),
    },
    sql: waitOnce(reader.sql),
    instances: once((options?: { readonly all?: true }) => reader.instances(options)),
  };
}

/** Asks once for each list of arguments, and gives every caller the same answer or error. */
export function once<Args extends readonly unknown[], Answer>(
  ask: (...args: Args) => Promise<Answer>,
): (...args: Args) => Promise<Answer> {
  const answers = new Map<string, Promise<Answer>>();
  return async (...args) => {
    const question = JSON.stringify(args);
    const answer = answers.get(question) ?? ask(...args);
    answers.set(question, answer);
    return answer;
  };
}

/** In milliseconds. A connection that is refused at once costs nothing; one that hangs would hold up every check. */
const longWaitMs = 1_500;

/**
 * After one query that waited in vain, or that a server answered with a flood or with what is no protocol, later queries to
 * the same server fail at once with the same message.
 */
function waitOnce(sql: SqlReader): SqlReader {
  const silent = new Map<string, SqlResult>();
  const last = new Map<string, Promise<unknown>>();
  async function askNow(id: string, question: () => Promise<SqlResult>): Promise<SqlResult> {
    const known = silent.get(id);
    if (known !== undefined) return known;
    const began = performance.now();
    const result = await question();
    const isSilent = !result.ok && result.sqlstate === undefined && performance.now() - began > longWaitMs;
    if (isSilent || (!result.ok && result.misbehaves === true)) silent.set(id, result);
    return result;
  }
  // One at a time for each server: a full one has only a few slots for superusers, which its checks would take from each other.
  async function ask({ container: { id } }: Instance, question: () => Promise<SqlResult>): Promise<SqlResult> {
    const before = last.get(id) ?? Promise.resolve();
    const answer = before.then(async () => askNow(id, question));
    last.set(
      id,
      answer.catch(() => undefined),
    );
    return answer;
  }
  return {
    query: (instance, statement, options) => ask(instance, async () => sql.query(instance, statement, options)),
    readTables: (instance, tables, options) => ask(instance, async () => sql.readTables(instance, tables, options)),
  };
}
