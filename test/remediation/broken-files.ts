import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import {
  findingId,
  openRemediation,
  type Remediation,
  type RemediationOptions,
  type Remediator,
} from '../../src/app/remediation.ts';
import { type ListedEngine, openListedEngine } from './listed-engine.ts';

/**
 * A real target that needs no Docker: an "instance" is a folder of three files, each of which must say `right`. The
 * problem is that they say `wrong`; the repair is three steps of the real action `file.replace`.
 */
export const fileNames = ['a.conf', 'b.conf', 'c.conf'] as const;

const details = z.object({ folder: z.string() });

export const brokenFiles: Remediator<z.output<typeof details>, z.output<typeof details>> = {
  name: 'broken-files',
  description: 'Files that say wrong.',
  details,
  expected: details,
  claims: { topic: 'wrong files', class: 'configuration', phrases: ['files'] },
  async detect(host) {
    const [folder = ''] = host.files.roots;
    const wrong = [];
    for (const name of fileNames)
      if ((await host.files.read(join(folder, name)))?.text.includes('wrong')) wrong.push(name);
    if (wrong.length === 0) return { findings: [], notLookedAt: [] };
    return {
      notLookedAt: [],
      findings: [
        {
          id: findingId('broken-files', 'orders', 'wrong-text'),
          remediator: 'broken-files',
          instance: 'orders',
          kind: 'wrong-text',
          summary: `${wrong.join(', ')} say wrong`,
          risk: 'safe',
          evidence: wrong.map((name) => ({ type: 'file', path: name, text: 'wrong' })),
          details: { folder },
          problem: null,
        },
      ],
    };
  },
  async plan(finding, host) {
    const { folder } = finding.details;
    const steps = [];
    for (const name of fileNames) {
      const path = join(folder, name);
      const file = await host.files.read(path);
      const at = file?.text.indexOf('wrong') ?? -1;
      if (file === undefined || at === -1) continue;
      const to = file.text.replace('wrong', 'right');
      const edits = [{ at, before: 'wrong', after: 'right' }];
      steps.push({
        action: 'file.replace',
        params: { path, from: file.sha256, to: sha256(to), edits },
        expects: [{ check: 'file' as const, path, sha256: file.sha256 }],
      });
    }
    return {
      type: 'plan',
      remediator: 'broken-files',
      finding,
      target: { instance: 'orders', container: '', volumes: [`files:${folder}`] },
      summary: 'say right',
      steps,
      cleanup: [],
      leftovers: [],
      risk: 'safe',
      downtime: { seconds: 0, why: 'nothing runs' },
      unpredictable: [],
      undo: 'The old texts come back.',
      expected: { folder },
    };
  },
  async verify({ expected }, host) {
    const checks = [];
    for (const name of fileNames) {
      const text = (await host.files.read(join(expected.folder, name)))?.text ?? '';
      checks.push({ name, ok: text.includes('right'), seen: text.slice(0, 40) });
    }
    return { result: checks.every(({ ok }) => ok) ? 'verified' : 'not-verified', checks };
  },
};

const engines = new Map<string, ListedEngine>();

/** A folder of wrong files, and until it is removed an engine without containers, so that no Docker is needed. */
export async function brokenFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'problems-run-'));
  engines.set(folder, await openListedEngine(folder, {}, []));
  for (const name of fileNames) await writeFile(join(folder, name), `# ${name}\nanswer = wrong\n`);
  return folder;
}

export async function answers(folder: string): Promise<readonly string[]> {
  return Promise.all(
    fileNames.map(async (name) => (/answer = (\w+)/.exec(await readFile(join(folder, name), 'utf8')) ?? [])[1] ?? ''),
  );
}

/** A remediation of such a folder by this remediator, or variants of it, alone. */
export async function openFolder(folder: string, options: Partial<RemediationOptions> = {}): Promise<Remediation> {
  return openRemediation({ folder, remediators: [brokenFiles], ...options });
}

export async function removeFolder(folder: string): Promise<void> {
  engines.get(folder)?.close();
  engines.delete(folder);
  await rm(folder, { recursive: true, force: true });
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
