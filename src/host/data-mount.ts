import type { Container, Mount } from './docker/types.ts';

/** Where a container's data lives, and who else writes there. */

/** PGDATA, or the image family's default. */
export function dataDirectory(container: Container): string {
  return container.env['PGDATA'] ?? '/var/lib/postgresql/data';
}

/** The mount that holds PGDATA: the deepest one above it. */
export function dataMount(container: Container): Mount | undefined {
  const directory = withSlash(dataDirectory(container));
  return container.mounts
    .filter((mount) => directory.startsWith(withSlash(mount.destination)))
    .sort((a, b) => b.destination.length - a.destination.length)[0];
}

/** The identity that locks are kept on: a volume's name or a path, with the engine's id; the container's own id else. */
export function volumeKey(engineId: string, container: Container): string {
  const mount = dataMount(container);
  if (mount === undefined) return `container:${engineId}/${container.id}`;
  return mount.type === 'volume' ? `volume:${engineId}/${mount.name}` : `bind:${engineId}/${mount.source}`;
}

/**
 * A running container that writes where this one's data is. Two servers on one volume destroy it, and PostgreSQL's own
 * interlock does not see across containers (PGOPS §0.1). A folder above or below counts where PostgreSQL runs on it.
 */
export function sharing(container: Container, all: readonly Container[]): Container | undefined {
  const mine = dataMount(container);
  if (mine === undefined) return undefined;
  return all.find(
    (other) =>
      other.id !== container.id &&
      other.state.running &&
      other.mounts.some(
        (theirs) => theirs.writable && (same(mine, theirs) || (isPostgres(other) && overlaps(mine, theirs))),
      ),
  );
}

function isPostgres(container: Container): boolean {
  return container.env['PG_MAJOR'] !== undefined || container.env['PGDATA'] !== undefined;
}

function same(a: Mount, b: Mount): boolean {
  return a.type === 'volume' || b.type === 'volume'
    ? a.type === b.type && a.name === b.name
    : withSlash(a.source) === withSlash(b.source);
}

function overlaps(a: Mount, b: Mount): boolean {
  if (a.type !== 'bind' || b.type !== 'bind') return same(a, b);
  const [left, right] = [withSlash(a.source), withSlash(b.source)];
  return left.startsWith(right) || right.startsWith(left);
}

function withSlash(path: string): string {
  return path.endsWith('/') ? path : `${path}/`;
}
