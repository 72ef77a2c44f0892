/**
 * A remediator and an action of one's own: instances that would stay down after a restart of the engine get a restart
 * policy, and a note beside them says so. Name the file in problems.config.json: { "plugins": ["./restart-policy.ts"] }.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Action, Plugin, Remediator } from 'problem-registry/remediation';
import { z } from 'zod';

const details = z.object({ container: z.string(), folder: z.string().nullable() });
const policy = { name: 'unless-stopped', maximumRetryCount: 0 } as const;

const missingRestartPolicy: Remediator<z.output<typeof details>, z.output<typeof details>> = {
  name: 'missing-restart-policy',
  description: 'An instance that runs, and would not come back after a restart of the engine.',
  details,
  expected: details,
  claims: { topic: 'restart policies', class: 'configuration', phrases: ['restart policy'] },
  async detect(host) {
    const found = (await host.instances()).filter(
      ({ container }) => container.state.running && ['', 'no'].includes(container.restartPolicy.name),
    );
    return {
      notLookedAt: [],
      findings: found.map(({ name, container, folder }) => ({
        id: `missing-restart-policy/${name}/no-policy`,
        remediator: 'missing-restart-policy',
        instance: name,
        kind: 'no-policy',
        summary: `${name} would not come back after a restart of the engine`,
        risk: 'safe',
        evidence: [
          {
            type: 'docker',
            object: container.name,
            field: 'HostConfig.RestartPolicy.Name',
            value: container.restartPolicy.name,
          },
        ],
        details: { container: container.id, folder: folder ?? null },
        problem: null,
      })),
    };
  },
  async plan(finding, host) {
    const { container, folder } = finding.details;
    const instance = await host.instance(finding.instance);
    if (instance === undefined)
      return { type: 'refusal', reason: `${finding.instance} is gone.`, advice: 'Detect again.' };
    const note =
      folder === null
        ? []
        : [{ action: 'note.write', params: { path: join(folder, 'NOTE'), text: `restart policy: ${policy.name}\n` } }];
    return {
      type: 'plan',
      remediator: 'missing-restart-policy',
      finding,
      target: { instance: finding.instance, container, volumes: [instance.volumeKey] },
      summary: `set the restart policy of ${finding.instance} to ${policy.name}`,
      steps: [
        {
          action: 'container.update-restart-policy',
          params: { container, policy },
          expects: [{ check: 'container', ref: container, running: true }],
        },
        ...note,
      ],
      cleanup: [],
      leftovers: [],
      risk: 'safe',
      downtime: { seconds: 0, why: 'nothing is restarted' },
      unpredictable: [],
      undo: 'The old policy comes back.',
      expected: finding.details,
    };
  },
  async verify({ expected }, host) {
    const seen = (await host.docker.container(expected.container))?.restartPolicy.name ?? 'gone';
    const ok = seen === policy.name;
    return { result: ok ? 'verified' : 'not-verified', checks: [{ name: 'restart policy', ok, seen }] };
  },
};

const noteParams = z.object({ path: z.string(), text: z.string().max(1_000) });
const noteBefore = z.object({ text: z.string().nullable() });

/** Writes a small file. `file.replace` of the built-in actions changes one that is there. */
const noteWrite: Action<z.output<typeof noteParams>, z.output<typeof noteBefore>> = {
  name: 'note.write',
  description: 'Writes a note beside an instance.',
  params: noteParams,
  undoState: noteBefore,
  operation: { name: 'write-note', floor: 'auto', description: 'a note beside an instance' },
  describe: ({ path }) => `write ${path}`,
  async effect({ path, text }, host) {
    return [{ object: path, before: (await host.files.read(path))?.text ?? 'no file', after: text }];
  },
  async prepare({ path }, host) {
    return { text: (await host.files.read(path))?.text ?? null };
  },
  async isDone({ path, text }, host) {
    return (await host.files.read(path))?.text === text;
  },
  async apply({ path, text }, host) {
    const now = await host.files.read(path);
    if (now?.text !== text) await host.change.files.replace(path, text, { sha256: now?.sha256 });
  },
  async undo({ path, text }, before, host) {
    const now = await host.files.read(path);
    // What somebody else has written since is theirs.
    if (now === undefined || now.text !== text || now.text === before.text) return;
    if (before.text === null) await host.change.files.remove(path, { sha256: hash(text) });
    else await host.change.files.replace(path, before.text, { sha256: hash(text) });
  },
};

export default {
  apiVersion: 1,
  remediators: [missingRestartPolicy],
  actions: [noteWrite],
} satisfies Plugin;

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
