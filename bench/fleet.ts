/**
 * `npm run bench:fleet`: how long `problems detect` takes for 1, 10 and 40 healthy instances, beside `docker inspect` and one
 * query of each. Needs a build, a Docker Engine and the images of the lab (`npm run lab -- images`). Prints a table.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compare, processOf } from './measuring.ts';
import { seededCredentials } from '../test/lab/images/recipe.ts';
import { countDetect } from './fleet-counts.ts';
import { machine } from './page.ts';

const image = 'problems-lab/postgres-seeded:17';
const problems = process.env['PROGRAM'] ?? join(import.meta.dirname, '../dist/cli/bin.js');
const label = 'problems.bench=fleet';
/** At most this many seconds for so many instances. */
const targets: readonly (readonly [instances: number, seconds: number | undefined])[] = [
  [1, 2],
  [10, undefined],
  [40, 15],
];

function docker(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync('docker', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`docker ${args.join(' ')}: ${stderr}`);
  return stdout.trim();
}

function names(): readonly string[] {
  return docker('ps', '--all', '--filter', `label=${label}`, '--format', '{{.Names}}').split('\n').filter(Boolean);
}

/** Starts instances until there are so many, and waits until each answers. */
function grow(count: number): void {
  for (let index = names().length; index < count; index += 1) {
    const name = `vrooli-postgres-bench-${index}`;
    const { user, password, database } = seededCredentials;
    const env = [`POSTGRES_USER=${user}`, `POSTGRES_PASSWORD=${password}`, `POSTGRES_DB=${database}`];
    docker(
      'run',
      '--detach',
      '--no-healthcheck',
      '--name',
      name,
      '--label',
      label,
      ...env.flatMap((one) => ['--env', one]),
      image,
    );
  }
  for (const name of names()) {
    const ready = ['exec', name, 'pg_isready', '--quiet', '--host', '127.0.0.1'];
    for (let tries = 0; spawnSync('docker', ready).status !== 0; tries += 1) {
      if (tries > 300) throw new Error(`${name} does not answer`);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    }
  }
}

/** `docker inspect` of all, and one query of each, one after the other. */
function inspectAndAsk(): readonly [string, readonly string[]] {
  const asking = names().map(
    (name) =>
      `docker exec -e PGPASSWORD=${seededCredentials.password} ${name} psql -h 127.0.0.1 -U ${seededCredentials.user} -d ${seededCredentials.database} -Atc 'select 1'`,
  );
  return ['sh', ['-c', [`docker inspect ${names().join(' ')}`, ...asking].join(' && ')]];
}

/** How often each thing is asked for, by the number of instances: what grows with them is the cost of each. */
async function printCounts(): Promise<void> {
  console.log('| Instances | requests to the engine | inspects | logs | execs | containers | sessions |');
  console.log('| --------- | ---------------------- | -------- | ---- | ----- | ---------- | -------- |');
  for (const instances of [1, 3]) {
    grow(instances);
    const { requests, inspects, logs, execs, containers, sessions } = await countDetect(
      problems,
      folder,
      names(),
      docker,
    );
    console.log(`| ${[instances, requests, inspects, logs, execs, containers, sessions].join(' | ')} |`);
  }
}

function printTimes(): void {
  console.log(`${machine()}\n`);
  console.log('| Instances | `problems detect` | each | `docker inspect` and one query of each | ratio | target |');
  console.log('| --------- | ----------------- | ---- | -------------------------------------- | ----- | ------ |');
  for (const [count, seconds] of targets) {
    grow(count);
    const detect = processOf(process.execPath, [problems, 'detect'], { cwd: folder });
    const { time, yardstick, median } = compare(detect, processOf(...inspectAndAsk()), 3);
    const isMissed = seconds !== undefined && time > seconds * 1000;
    if (isMissed) process.exitCode = 1;
    const target = seconds === undefined ? '' : `≤ ${seconds} s: ${isMissed ? 'missed' : 'met'}`;
    const [took, each] = [time / 1000, time / 1000 / count].map((one) => `${one.toFixed(2)} s`);
    console.log(
      `| ${count} | ${took} | ${each} | ${(yardstick / 1000).toFixed(2)} s | ${median.toFixed(2)}× | ${target} |`,
    );
  }
}

const folder = mkdtempSync(join(tmpdir(), 'problems-bench-'));
try {
  if (process.argv[2] === 'counts') await printCounts();
  else printTimes();
} finally {
  const left = names();
  if (left.length > 0) docker('rm', '--force', '--volumes', ...left);
  rmSync(folder, { recursive: true, force: true });
}
