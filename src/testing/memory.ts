import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { ProblemsError } from '../errors.ts';
import type { Container, DockerChanger, DockerReader } from '../host/docker/types.ts';
import type { FileChanger, FileReader } from '../host/types.ts';
import type { PortLease } from '../remediation/contract.ts';
import { compareBy, compareText } from '../util/compare.ts';
import { missing } from './declared.ts';

/** What a test host remembers. Changes show in the next question. */
export interface Memory {
  /** By id. */
  readonly containers: Map<string, Container>;
  /** Text by absolute path. */
  readonly files: Map<string, string>;
  /** By port. */
  readonly leases: ReadonlyMap<number, PortLease>;
  readonly roots: readonly string[];
}

export function readMemoryFiles({ files, roots }: Memory): FileReader {
  return {
    roots,
    async read(path) {
      requireInside(roots, path);
      const text = files.get(path);
      return text === undefined ? undefined : { path, text, sha256: hash(text), mode: 0o600 };
    },
    async list(path) {
      requireInside(roots, path);
      const below = [...files.keys()]
        .map((file) => posix.relative(path, file))
        .filter((name) => !name.startsWith('..'));
      return [...new Set(below.map((name) => name.split('/')[0] ?? ''))]
        .filter((name) => name !== '')
        .toSorted(compareText);
    },
  };
}

export function changeMemoryFiles({ files }: Memory, reader: FileReader): FileChanger {
  async function requireUnchanged(path: string, sha256: string | undefined): Promise<void> {
    if ((await reader.read(path))?.sha256 === sha256) return;
    throw new ProblemsError('step-refused', `${path} has changed since the step was planned. It was not modified.`);
  }
  return {
    async replace(path, text, { sha256 }) {
      await requireUnchanged(path, sha256);
      files.set(path, text);
    },
    async remove(path, { sha256 }) {
      await requireUnchanged(path, sha256);
      files.delete(path);
    },
  };
}

export function readContainers(memory: Memory, declared: Partial<DockerReader> = {}): DockerReader {
  const { containers } = memory;
  return {
    info: async () => ({
      id: 'test-engine',
      version: '28.0.0',
      operatingSystem: 'Linux',
      securityOptions: [],
      memoryBytes: 8 * 2 ** 30,
      cpus: 2,
      local: true,
    }),
    list: async () => [...containers.values()],
    containers: async () => [...containers.values()].toSorted(compareBy(({ name }) => name)),
    container: async (ref) => containerNamed(memory, ref),
    image: missing('docker.image'),
    networks: missing('docker.networks'),
    network: missing('docker.network'),
    volumes: missing('docker.volumes'),
    volume: missing('docker.volume'),
    logs: missing('docker.logs'),
    events: missing('docker.events'),
    follow: missing('docker.follow'),
    stats: missing('docker.stats'),
    changes: missing('docker.changes'),
    processes: missing('docker.processes'),
    file: missing('docker.file'),
    ...declared,
  };
}

/** Restart policies, memory limits, names and states; other changes of an engine are the test's to declare. */
export function changeContainers(memory: Memory, declared: Partial<DockerChanger> = {}): DockerChanger {
  const { containers } = memory;
  function change(ref: string, changed: (container: Container) => Partial<Container>): void {
    const container = containerNamed(memory, ref);
    if (container === undefined) throw new ProblemsError('not-found', `There is no container ${ref}.`);
    containers.set(container.id, { ...container, ...changed(container) });
  }
  return {
    updateRestartPolicy: async (ref, restartPolicy) => change(ref, () => ({ restartPolicy })),
    updateMemory: async (ref, limits) => change(ref, () => ({ memory: limits.memory })),
    rename: async (ref, name) => change(ref, () => ({ name })),
    stop: async (ref) => change(ref, ({ state }) => ({ state: { ...state, running: false, status: 'exited' } })),
    start: async (ref) => change(ref, ({ state }) => ({ state: { ...state, running: true, status: 'running' } })),
    async remove(ref) {
      const container = containerNamed(memory, ref);
      if (container?.state.running === true) throw new ProblemsError('step-refused', `${container.name} is running.`);
      if (container !== undefined) containers.delete(container.id);
    },
    startWith: missing('change.docker.startWith'),
    create: missing('change.docker.create'),
    connect: missing('change.docker.connect'),
    disconnect: missing('change.docker.disconnect'),
    createVolume: missing('change.docker.createVolume'),
    runHelper: missing('change.docker.runHelper'),
    endHelpers: async () => undefined,
    ...declared,
  };
}

function containerNamed({ containers }: Memory, ref: string): Container | undefined {
  return containers.get(ref) ?? [...containers.values()].find(({ name }) => name === ref);
}

function requireInside(roots: readonly string[], path: string): void {
  const isInside = roots.some((root) => posix.normalize(path) === root || posix.normalize(path).startsWith(`${root}/`));
  if (isInside && posix.isAbsolute(path)) return;
  throw new ProblemsError('outside-root', `${path} is outside ${roots.join(', ')}`, {
    hint: "Declare its folder: createTestHost({ roots: ['/folder'] })",
  });
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
