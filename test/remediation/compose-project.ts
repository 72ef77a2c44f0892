import { createHash } from 'node:crypto';
import type { ComposeConfig, ComposeMode } from '../../src/host/compose/types.ts';
import type { Container } from '../../src/host/docker/types.ts';
import { composeOutput } from '../../src/compose/output.ts';
import { get, getArray, isObject, type Json, type JsonObject } from '../../src/util/json.ts';
import { createTestHost, type TestHost, type TestHostOptions } from '../../src/testing/index.ts';

/** A Compose project in memory, whose client reads the files as they are: it hashes a service as Compose does. */

export const path = '/project/docker-compose.yml';

export const text = `# the shop
services:
  db:
    image: postgres:17
    ports: ["5434:5432"] # published
  app:
    image: app
`;

const label = 'com.docker.compose.';

export function labelsOf(hash: string): Readonly<Record<string, string>> {
  return {
    [`${label}project`]: 'shop',
    [`${label}project.working_dir`]: '/project',
    [`${label}project.config_files`]: 'docker-compose.yml',
    [`${label}service`]: 'db',
    [`${label}config-hash`]: hash,
  };
}

/** What the client says of the project with this text, and an override: ports are joined, all else is replaced. */
export async function configOf(yaml: string, override = '{}'): Promise<ComposeConfig & { readonly ok: true }> {
  const [base, more] = [await composeOutput(yaml), await composeOutput(override)];
  const db = { ...object(get(base, 'services', 'db')), ...object(get(more, 'services', 'db')) };
  const ports = [base, more].flatMap((config) => getArray(config, 'services', 'db', 'ports'));
  const services = { ...object(get(base, 'services')), db: ports.length === 0 ? db : { ...db, ports } };
  const config = { ...object(base), services };
  return { ok: true, config, hash: createHash('sha256').update(JSON.stringify(config)).digest('hex') };
}

function object(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {};
}

export interface ProjectOptions {
  /** The Compose file, which the container is as. Default: `text`. */
  readonly yaml?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly mode?: ComposeMode;
  readonly clients?: readonly ('docker compose' | 'docker-compose')[];
  readonly imageId?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly container?: Partial<Container>;
  /** What else the engine answers. */
  readonly docker?: TestHostOptions['docker'];
  readonly config?: (yaml: string) => Promise<ComposeConfig>;
}

export async function createProject(
  options: ProjectOptions = {},
): Promise<
  TestHost & { readonly instance: () => Promise<NonNullable<Awaited<ReturnType<TestHost['reader']['instance']>>>> }
> {
  const { yaml = text, files = { [path]: yaml }, config = configOf } = options;
  const { hash } = await configOf(yaml);
  const own: TestHost = createTestHost({
    files,
    instances: [{ name: 'orders', container: { labels: options.labels ?? labelsOf(hash), ...options.container } }],
    docker: {
      image: async () => ({
        id: options.imageId ?? (await own.reader.docker.containers())[0]?.image ?? '',
        tags: [],
        labels: {},
        env: {},
        user: '',
        volumes: [],
        inspect: {},
      }),
      ...options.docker,
    },
    compose: {
      mode: options.mode ?? 'edit',
      clients: async () => options.clients ?? ['docker-compose'],
      config: async (_client, project, _service, edited) => {
        const texts: string[] = [];
        for (const file of project.files)
          texts.push(edited?.path === file ? edited.text : ((await own.reader.files.read(file))?.text ?? ''));
        const [base = '', override] = texts;
        return override === undefined ? config(base) : configOf(base, override);
      },
    },
  });
  return {
    ...own,
    instance: async () => {
      const instance = await own.reader.instance('orders');
      if (instance === undefined) throw new Error('the test host has no instance');
      return instance;
    },
  };
}
