import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, type TestContext } from 'vitest';
import { bin, run as runProblems } from '../../cli/run.ts';
import { soak } from '../../soak.ts';
import { query, startInstance } from '../instance.ts';
import type { Run } from '../run.ts';
import { createRun, labRuns } from '../support.ts';
import { eventually, inTurn } from '../waiting.ts';

const MiB = 2 ** 20;

/** Looks that are made, twenty to a full round. Without another number: as many as in an hour. */
const looks = Number(process.env['PROBLEMS_LOOKS'] ?? (soak ? 120 : 0));
const lookSeconds = 1;

interface Sample {
  readonly rss: number;
  /** Of the process since its start, in seconds. */
  readonly cpu: number;
  /** What `/healthz` took, in milliseconds: it waits for nothing but the event loop. */
  readonly answered: number;
}

describe.skipIf(!(await labRuns()) || looks === 0)('the service with ten instances', () => {
  it(
    `stays small and quick over ${looks} looks, and leaves no helper`,
    { timeout: 300_000 + looks * 10_000 },
    async (test) => {
      const run = await createRun(test);
      const names = Array.from({ length: 10 }, (_, index) => `of-ten-${index}`);
      await inTurn(
        3,
        names.map((name) => async () => {
          await query(await startInstance(run, { name, storage: 'seeded' }), 'create table orders (id int)');
        }),
      );
      const { child, url } = await serve(test, run);
      const pid = child.pid ?? 0;
      const token = (await runProblems(['tokens', 'add', 'soak'], { cwd: run.folder })).stdout.trim();
      await eventually(60_000, async () => (await fetch(`${url}/readyz`)).ok);
      const samples: Sample[] = [];
      const made = async (): Promise<number> => {
        const view = await answer(url, token, `/api/v1/instances/local/${names[0]}`);
        return (view as { samples: readonly unknown[] }).samples.length;
      };
      while ((await made()) < looks) {
        samples.push(await sampleOf(pid, url));
        await sleep(1_000);
      }
      const rounds = (await answer(url, token, '/api/v1/rounds?limit=1000')) as readonly { failure: string | null }[];
      const view = (await answer(url, token, '/api/v1/view')) as {
        instances: readonly { instance: string; status: string }[];
      };

      expect(rounds.length).toBeGreaterThan(2);
      expect(rounds.filter(({ failure }) => failure !== null)).toEqual([]);
      const own = view.instances.filter(({ instance }) => names.includes(instance));
      expect(own.map(({ status }) => status)).toEqual(names.map(() => 'up'));
      const rss = samples.map((sample) => sample.rss);
      const third = Math.floor(rss.length / 3);
      const [middle, last] = [median(rss.slice(third, 2 * third)), median(rss.slice(2 * third))];
      const waited = samples.map(({ answered }) => answered).toSorted((a, b) => a - b);
      const cpu = (samples.at(-1)?.cpu ?? 0) - (samples[0]?.cpu ?? 0);
      await note(
        `${looks} looks, ${rounds.length} rounds: RSS at most ${Math.round(Math.max(...rss) / MiB)} MiB, ` +
          `${Math.round(middle / MiB)} then ${Math.round(last / MiB)}; ${(cpu / looks).toFixed(3)} s of CPU for each look with its ` +
          `share of rounds; /healthz p50 ${waited.at(waited.length / 2)?.toFixed(1)} ms, p99 ${waited.at(-1 - Math.floor(waited.length / 100))?.toFixed(1)} ms`,
      );
      // Thirty times as many looks as usual: V8 lets the heap grow before it collects.
      expect(Math.max(...rss)).toBeLessThan(400 * MiB);
      expect(last - middle).toBeLessThan(48 * MiB);
      expect(waited.at(Math.floor(waited.length / 2)) ?? Infinity).toBeLessThan(100);

      child.kill('SIGTERM');
      await once(child, 'close');
      expect(child.exitCode).toBe(0);
      const label = ['problems.helper'];
      const helpers = await run.docker.listContainers({ all: true, filters: JSON.stringify({ label }) });
      expect(helpers.filter(({ Labels }) => Labels['problems.owner']?.startsWith(`${pid} `))).toEqual([]);
    },
  );
});

async function serve(test: TestContext, { folder, prefix }: Run): Promise<{ child: ChildProcess; url: string }> {
  const remediation = { containers: `^${prefix}vrooli-postgres-(.+)$`, state: '.problems/state.db' };
  const service = { listen: '127.0.0.1:0', look: `${lookSeconds}s`, rounds: `${20 * lookSeconds}s` };
  await writeFile(join(folder, 'problems.config.json'), JSON.stringify({ remediation, service }));
  const child = spawn(process.execPath, [bin, 'serve'], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  test.onTestFinished(() => void child.kill('SIGKILL'));
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log = (log + text).slice(0, 20_000);
  });
  await eventually(60_000, async () => log.includes('listens at'));
  // Whoever reads a log must not be able to sign in.
  expect(log).not.toContain('once=');
  await eventually(10_000, async () => log.includes('no one can sign in yet: make a token with problems tokens add'));
  return { child, url: /listens at (http:\S+?)"/.exec(log)?.[1] ?? '' };
}

async function answer(url: string, token: string, path: string): Promise<unknown> {
  const response = await fetch(url + path, { headers: { authorization: `Bearer ${token}` } });
  expect(response.status, path).toBe(200);
  return response.json();
}

async function sampleOf(pid: number, url: string): Promise<Sample> {
  const [status, stat] = await Promise.all(['status', 'stat'].map((name) => readFile(`/proc/${pid}/${name}`, 'utf8')));
  const times = (stat ?? '').slice((stat ?? '').lastIndexOf(')')).split(' ');
  const began = performance.now();
  await (await fetch(`${url}/healthz`)).text();
  return {
    rss: Number(/^VmRSS:\s+(\d+) kB/m.exec(status ?? '')?.[1]) * 1_024,
    cpu: (Number(times[12]) + Number(times[13])) / 100,
    answered: performance.now() - began,
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b).at(Math.floor(values.length / 2)) ?? Number.NaN;
}

/** Measurements, for docs/service.md. */
async function note(line: string): Promise<void> {
  const path = process.env['PROBLEMS_FIGURES'];
  if (path !== undefined) await appendFile(path, `${line}\n`);
}
