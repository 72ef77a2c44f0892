import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, delimiter, isAbsolute, join, normalize } from 'node:path';
import { composeOutput } from '../../compose/output.ts';
import { ProblemsError } from '../../errors.ts';
import { errorText, isWithin } from '../../util/text.ts';
import type { EngineAddress } from '../docker/address.ts';
import type {
  ComposeChanger,
  ComposeClient,
  ComposeConfig,
  ComposeMode,
  ComposeReader,
  EditedFile,
  ProjectFiles,
} from './types.ts';

/** In milliseconds. `up` waits for a clean shutdown of the server. */
const deadlines = { version: 15_000, config: 60_000, up: 420_000 } as const;

/** A database that shuts down writes a checkpoint first. In seconds. */
const stopSeconds = 120;

const mostBytes = 4 * 2 ** 20;

type Environment = Readonly<Record<string, string | undefined>>;

export interface ComposeOptions {
  readonly mode: ComposeMode;
  /** Folders of the project, whose programs are never run. */
  readonly roots: readonly string[];
  readonly environment?: Environment;
}

interface Command {
  readonly file: string;
  readonly first: readonly string[];
}

interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function openCompose(
  address: EngineAddress,
  { mode, roots, environment = process.env }: ComposeOptions,
): { readonly reader: ComposeReader; readonly changer: ComposeChanger } {
  let known: Promise<ReadonlyMap<ComposeClient, Command>> | undefined;
  const clients = async (): Promise<ReadonlyMap<ComposeClient, Command>> =>
    (known ??= findClients(address, roots, environment));
  async function run(client: ComposeClient, args: readonly string[], folder: string, deadline: number): Promise<Ended> {
    const command = (await clients()).get(client);
    if (command === undefined) throw new ProblemsError('step-refused', `There is no ${client} on this machine.`);
    return runProgram(command, args, { folder, deadline, environment: clientEnvironment(address, environment) });
  }
  return {
    reader: {
      mode,
      clients: async () => [...(await clients()).keys()],
      config: async (client, project, service, edited) =>
        withEditedFile(project, edited, async (files) => {
          const config = await run(client, [...argumentsOf(files), 'config'], project.folder, deadlines.config);
          if (config.exitCode !== 0) return { ok: false, message: lastLines(config) };
          const hashes = await run(
            client,
            [...argumentsOf(files), 'config', '--hash', service],
            project.folder,
            deadlines.config,
          );
          const hash = /^\S+\s+([0-9a-f]{64})\s*$/.exec(hashes.stdout)?.[1];
          if (hashes.exitCode !== 0 || hash === undefined) return { ok: false, message: lastLines(hashes) };
          return { ok: true, config: await composeOutput(config.stdout), hash };
        }),
    },
    changer: {
      async up(client, project, service, { start }) {
        const args = [
          ...argumentsOf(project),
          'up',
          ...(start ? ['-d'] : ['--no-start']),
          '--no-deps',
          '--no-build',
          '--timeout',
          String(stopSeconds),
          service,
        ];
        const ended = await run(client, args, project.folder, deadlines.up);
        if (ended.exitCode !== 0) throw new ProblemsError('step-refused', `${client} up failed: ${lastLines(ended)}`);
      },
    },
  };
}

function argumentsOf({ name, folder, files, environmentFile, profiles }: ProjectFiles): readonly string[] {
  return [
    '--project-name',
    name,
    '--project-directory',
    folder,
    ...files.flatMap((file) => ['-f', file]),
    ...(environmentFile === null ? [] : ['--env-file', environmentFile]),
    ...profiles.flatMap((profile) => ['--profile', profile]),
  ];
}

/** The client reads the edited text from a private folder; paths in it stay relative to the project's folder. */
async function withEditedFile(
  project: ProjectFiles,
  edited: EditedFile | undefined,
  ask: (project: ProjectFiles) => Promise<ComposeConfig>,
): Promise<ComposeConfig> {
  if (edited === undefined) return ask(project);
  const folder = await mkdtemp(join(tmpdir(), 'problems-compose-'));
  try {
    const path = join(folder, basename(edited.path));
    await writeFile(path, edited.text, { mode: 0o600, flag: 'wx' });
    const isFile = project.files.includes(edited.path);
    return await ask({
      ...project,
      files: project.files.map((file) => (file === edited.path ? path : file)),
      environmentFile: isFile ? project.environmentFile : path,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Only what a client needs to find its engine and its plugins. Variables of the user's shell are left out: a file could
 * put them, passwords included, into a container, and the same file would mean something else from another shell.
 */
function clientEnvironment(address: EngineAddress, environment: Environment): Record<string, string> {
  const kept = ['PATH', 'HOME', 'DOCKER_CONFIG', 'DOCKER_TLS_VERIFY', 'DOCKER_CERT_PATH', 'SystemRoot', 'USERPROFILE'];
  const values: Record<string, string> = {};
  for (const name of kept) {
    const value = environment[name];
    if (value !== undefined) values[name] = value;
  }
  return {
    ...values,
    DOCKER_HOST: address.text,
    LANG: 'C.UTF-8',
    COMPOSE_REMOVE_ORPHANS: 'false',
    COMPOSE_IGNORE_ORPHANS: 'true',
  };
}

async function findClients(
  address: EngineAddress,
  roots: readonly string[],
  environment: Environment,
): Promise<ReadonlyMap<ComposeClient, Command>> {
  const found = new Map<ComposeClient, Command>();
  const candidates: readonly (readonly [ComposeClient, string, readonly string[]])[] = [
    ['docker compose', 'docker', ['compose']],
    ['docker-compose', 'docker-compose', []],
  ];
  for (const [client, program, first] of candidates) {
    const file = await programOnPath(program, roots, environment);
    if (file === undefined) continue;
    const command = { file, first };
    const answer = await runProgram(command, ['version', '--short'], {
      folder: tmpdir(),
      deadline: deadlines.version,
      environment: clientEnvironment(address, environment),
    }).catch(() => undefined);
    if (answer?.exitCode === 0 && /^v?\d+\.\d+/.test(answer.stdout.trim())) found.set(client, command);
  }
  return found;
}

/** A program in the project's folder, such as one of its node_modules, must never be taken for the client. */
async function programOnPath(
  name: string,
  roots: readonly string[],
  environment: Environment,
): Promise<string | undefined> {
  const extension = process.platform === 'win32' ? '.exe' : '';
  for (const folder of (environment['PATH'] ?? '').split(delimiter)) {
    if (!isAbsolute(folder) || roots.some((root) => isWithin(normalize(folder), root))) continue;
    const file = join(folder, `${name}${extension}`);
    const isThere = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return file;
  }
  return undefined;
}

interface RunOptions {
  readonly folder: string;
  readonly deadline: number;
  readonly environment: Record<string, string>;
}

/** Never through a shell, in a session of its own: Ctrl-C must not end a client that is replacing a container. */
async function runProgram(
  { file, first }: Command,
  args: readonly string[],
  { folder, deadline, environment }: RunOptions,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, [...first, ...args], {
      cwd: folder,
      env: environment,
      detached: process.platform !== 'win32',
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: false,
    });
    const output = { stdout: '', stderr: '' };
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      end(child.pid);
    }, deadline);
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        if (output[name].length + text.length > mostBytes) end(child.pid);
        else output[name] += text;
      });
    }
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(new ProblemsError('step-refused', `${file} did not start: ${errorText(error)}`));
    });
    child.on('close', (exitCode) => {
      clearTimeout(timer);
      if (isLate) output.stderr += `\nIt did not end within ${deadline / 1_000} seconds.`;
      resolve({ exitCode, ...output });
    });
  });
}

function end(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}

function lastLines({ stdout, stderr, exitCode }: Ended): string {
  const text = (stderr.trim() || stdout.trim()).split('\n').slice(-3).join(' ').slice(-500);
  return text === '' ? `exit code ${exitCode ?? 'none'}` : text;
}
