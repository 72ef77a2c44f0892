import type { Remediator } from 'problem-registry/remediation';
import { z } from 'zod';

const details = z.object({ container: z.string(), folder: z.string().nullable() });
const expected = z.object({ container: z.string() });

const name = 'missing-restart-policy';
const policy = { name: 'unless-stopped', maximumRetryCount: 0 };

/** Gives instances that would stay down after a restart of the engine a restart policy, and leaves a note. */
export const missingRestartPolicy: Remediator<z.output<typeof details>, z.output<typeof expected>> = {
  name,
  description: 'A running instance has no restart policy and would stay down after a restart of the engine.',
  details,
  expected,
  claims: { topic: 'restart policies', class: 'configuration', phrases: ['restart policy'] },
  async detect(host) {
    const found = (await host.instances()).filter(
      ({ container }) => container.state.running && ['', 'no'].includes(container.restartPolicy.name),
    );
    return {
      notLookedAt: [],
      findings: found.map(({ name: instance, container, folder }) => ({
        id: `${name}/${instance}/no-policy`,
        remediator: name,
        instance,
        kind: 'no-policy',
        summary: `${instance} would stay down after a restart of the engine.`,
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
    if (instance?.container.id !== container)
      return { type: 'refusal', reason: `${finding.instance} was removed or recreated.`, advice: 'Detect again.' };
    const note = { path: `${folder}/NOTE`, text: `restart policy: ${policy.name}\n` };
    return {
      type: 'plan',
      remediator: name,
      finding,
      target: { instance: instance.name, container, volumes: [instance.volumeKey] },
      summary: `Set the restart policy of ${instance.name} to ${policy.name}.`,
      steps: [
        {
          action: 'container.update-restart-policy',
          params: { container, policy },
          expects: [{ check: 'container', ref: container, running: true }],
        },
        ...(folder === null ? [] : [{ action: 'note.write', params: note }]),
      ],
      cleanup: [],
      leftovers: [],
      risk: 'safe',
      downtime: { seconds: 0, why: 'Nothing is restarted.' },
      unpredictable: [],
      undo: 'The old policy and the old note come back.',
      expected: { container },
    };
  },
  async verify(plan, host) {
    const seen = (await host.docker.container(plan.expected.container))?.restartPolicy.name ?? 'no container';
    const ok = seen === policy.name;
    return { result: ok ? 'verified' : 'not-verified', checks: [{ name: 'restart policy', ok, seen }] };
  },
};
