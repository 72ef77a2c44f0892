/** A remediator and an action for a test: writes a file next to the data, and exceeds its time limit. */
import type { Action, Host, Plugin, Remediator } from 'problem-registry/remediation';
import { z } from 'zod';

const place = z.object({ volume: z.string(), image: z.string() });
type Place = z.output<typeof place>;
const none = z.null();

/** After this time its file exists, unless the helper is stopped. */
export const lateAfterMs = 6_000;

const lateFile: Remediator<Place, Place> = {
  name: 'late-file',
  description: 'A volume without a file.',
  details: place,
  expected: place,
  async detect(host) {
    const found = (await host.instances()).filter(({ dataMount }) => dataMount?.type === 'volume');
    return {
      notLookedAt: [],
      findings: found.map(({ name, dataMount, container: { image } }) => ({
        id: `late-file/${name}/no-file`,
        remediator: 'late-file',
        instance: name,
        kind: 'no-file',
        summary: 'no file',
        risk: 'safe',
        evidence: [{ type: 'docker', object: name, field: 'Mounts', value: 'no file' }],
        details: { volume: dataMount?.name ?? '', image },
        problem: null,
      })),
    };
  },
  async plan(finding, host) {
    const instance = await host.instance(finding.instance);
    return {
      type: 'plan',
      remediator: 'late-file',
      finding,
      target: {
        instance: finding.instance,
        container: instance?.container.id ?? '',
        volumes: [instance?.volumeKey ?? ''],
      },
      summary: 'write a file',
      steps: [{ action: 'late.write', params: finding.details }],
      cleanup: [],
      leftovers: [],
      risk: 'safe',
      downtime: { seconds: 0, why: 'nothing is restarted' },
      unpredictable: [],
      undo: 'The file is removed.',
      expected: finding.details,
    };
  },
  verify: () => Promise.resolve({ result: 'verified', checks: [] }),
};

const lateWrite: Action<Place, null> = {
  name: 'late.write',
  description: 'Writes a file, late.',
  params: place,
  undoState: none,
  operation: { name: 'write-late', floor: 'auto', description: 'a late file' },
  deadlineMs: 3_000,
  describe: ({ volume }) => `write to ${volume}`,
  effect: () => Promise.resolve([]),
  prepare: () => Promise.resolve(null),
  isDone: async (where, host) => isThere(where, host),
  apply: async (where, host) => inVolume(where, `sleep ${lateAfterMs / 1_000}; echo late >/d/late`, host),
  undo: async (where, _, host) => inVolume(where, 'rm -f /d/late', host),
  isUndone: async (where, _, host) => !(await isThere(where, host)),
};

async function inVolume({ volume, image }: Place, script: string, host: Host): Promise<void> {
  await host.change.docker.runHelper({
    task: 'change-owners',
    image,
    command: ['sh', '-c', script],
    mounts: [{ type: 'volume', source: volume, target: '/d', readonly: false }],
  });
}

async function isThere({ volume, image }: Place, host: Pick<Host, 'probes'>): Promise<boolean> {
  const mount = { type: 'volume', name: volume, source: '', destination: '', writable: false, anonymous: false };
  const { entries } = await host.probes.survey(mount, image);
  return entries.some(({ path }) => path === 'late');
}

export default { apiVersion: 1, remediators: [lateFile], actions: [lateWrite] } satisfies Plugin;
