import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { execIn } from './exec.ts';
import { ensureNetwork, type Run } from './run.ts';
import { findInstance, type LabInstance, waitReady } from './instance.ts';

const execute = promisify(execFile);

/** Debian's package has the client without the plugin; test/lab/engine.sh installs it. */
const client = 'docker-compose';

/** Runs the client on the run's project of this name, in its folder; what it prints on both streams. */
export async function compose(run: Run, name: string, ...args: readonly string[]): Promise<string> {
  const options = ['--project-name', projectOf(run, name)];
  const { stdout, stderr } = await execute(client, [...options, ...args], { cwd: run.folder });
  return stdout + stderr;
}

function projectOf(run: Run, name: string): string {
  return `${run.prefix}${name}`;
}

export interface ProjectSettings {
  readonly name: string;
  readonly port: number;
  /** Further services of the file, indented. */
  readonly services?: string;
  /** Further networks of the run, by their keys. */
  readonly networks?: readonly string[];
}

/** Writes a project with comments and a variable, as people write them, and starts it. */
export async function startProject(
  run: Run,
  { name, port, services = '', networks = [] }: ProjectSettings,
): Promise<LabInstance> {
  await ensureNetwork(run);
  for (const network of networks) await ensureNetwork(run, `${run.prefix}${network}`);
  const container = `${run.prefix}vrooli-postgres-${name}`;
  const file = join(run.folder, 'docker-compose.yml');
  const labels = Object.entries(run.labels).map(([label, value]) => `${label}: "${value}"`);
  await writeFile(
    file,
    `# The database of the ${name}.
version: "3.8"
services:
  db:
    image: problems-lab/postgres:${run.postgres} # keep in step with the clients
    container_name: ${container}
    labels: &labels {${labels.join(', ')}}
    environment:
      POSTGRES_USER: vrooli
      POSTGRES_PASSWORD: compose-${run.id}
      POSTGRES_DB: vrooli
      POSTGRES_INITDB_ARGS: --no-sync
    ports:
      - "\${DB_PORT:-${port}}:5432" # for psql on this machine
    volumes:
      - data:/var/lib/postgresql/data
    networks: [default]
${services}volumes:
  data:
    name: ${run.prefix}${name}-data
    labels: *labels
networks:
  default:
    external:
      name: ${run.network}
${networks.map((network) => `  ${network}: {external: {name: ${run.prefix}${network}}}\n`).join('')}`,
  );
  await compose(run, name, 'up', '-d');
  const instance = await findInstance(run, name);
  await waitReady(instance);
  await execIn(instance.container, [
    'psql',
    '-U',
    'vrooli',
    '-c',
    'create table orders as select generate_series(1, 1000) as id',
  ]);
  return instance;
}
