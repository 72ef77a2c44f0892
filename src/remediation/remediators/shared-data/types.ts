import { join, relative, resolve } from 'node:path/posix';
import { z } from 'zod';
import type { Container } from '../../../host/docker/types.ts';
import { compareText } from '../../../util/compare.ts';
import { mountAt } from '../../shared/data-directory.ts';

export const details = z.strictObject({
  /** The instance's container. */
  container: z.string(),
  /** The other server's container, and its name. */
  other: z.string(),
  otherName: z.string(),
  /** The container that started later. */
  later: z.string(),
});

export type SharedDataDetails = z.output<typeof details>;

/** The container to stop, and the one that goes on. */
export const expected = z.strictObject({ stopped: z.string(), goesOn: z.string() });

export type SharedDataExpected = z.output<typeof expected>;

/**
 * Where the server of a container keeps its data, as a text that is the same for every container with the same data; undefined
 * if they are in the container itself, or if it runs something else than a server.
 */
export function placeOfData(container: Container): string | undefined {
  if (!container.state.running || !runsServer(container)) return undefined;
  const directory = resolve('/', container.env['PGDATA'] ?? '/var/lib/postgresql/data');
  const mount = mountAt(
    container.mounts.filter(({ writable }) => writable),
    directory,
  );
  if (mount === undefined) return undefined;
  const within = relative(mount.destination, directory);
  return mount.type === 'volume'
    ? `volume ${mount.name}:${join('/', within)}`
    : `folder ${resolve(mount.source, within)}`;
}

/** An image of PostgreSQL whose command is the server: not a tool that runs in the same image. */
function runsServer({ env, entrypoint, command }: Container): boolean {
  if (env['PG_MAJOR'] === undefined && env['PGDATA'] === undefined) return false;
  const [program = ''] = [...command, ...entrypoint];
  return program.startsWith('-') || /(?:^|\/)(?:postgres|postmaster|docker-entrypoint\.sh)$/.test(program);
}

/** The one of two containers that started later; of two that started together, the one with the later id. */
export function laterOf(a: Container, b: Container): Container {
  const order = compareText(a.state.startedAt, b.state.startedAt) || compareText(a.id, b.id);
  return order > 0 ? a : b;
}
