import { describe, expect, it } from 'vitest';
import { planCommandInCompose, planSizeInCompose } from '../../../src/remediation/remediators/memory/plan-compose.ts';
import { createProject, type ProjectOptions } from '../compose-project.ts';

const MiB = 2 ** 20;

const yaml = `services:
  db:
    image: postgres:17
    mem_limit: 512m # the budget
    command: postgres -c shared_buffers=1GB -c work_mem=64MB
`;

async function open(options: ProjectOptions = {}) {
  const { reader, instance } = await createProject({ yaml, ...options });
  const found = await instance();
  const host = { ...reader, docker: { ...reader.docker, changes: async () => [] } };
  const { id, name } = found.container;
  const expected = {
    name,
    limit: 512 * MiB,
    shmSize: 64 * MiB,
    settings: {},
    restartPolicy: { name: 'unless-stopped', maximumRetryCount: 0 },
    systemIdentifier: '1',
    aside: null,
    load: { clients: 4, seconds: 0, rows: 50_000 },
  };
  const finding = {
    id: 'memory/orders/x',
    remediator: 'memory',
    instance: 'orders',
    kind: 'x',
    summary: '',
    risk: 'restart' as const,
    evidence: [],
    details: null,
    problem: null,
  };
  const frame = {
    type: 'plan' as const,
    remediator: 'memory',
    finding,
    target: { instance: 'orders', container: id, volumes: [found.volumeKey] },
    cleanup: [],
    leftovers: [],
    expected,
  };
  return { task: { instance: found, seen: { running: true } }, frame, host };
}

describe('the memory of an instance in a Compose project', () => {
  it.for([
    ['mem_limit', '512m', '768m', { limit: 768 * MiB, shmSize: 64 * MiB }],
    ['shm_size', '', 'shm_size: 768m\n    ', { limit: 512 * MiB, shmSize: 768 * MiB }],
  ] as const)('has its %s set in the file, with a restart', async ([key, before, after, sizes]) => {
    const { task, frame, host } = await open();
    const plan = await planSizeInCompose(task, { key, from: 64 * MiB, to: 768 * MiB }, frame, host);
    expect(plan).toMatchObject({
      type: 'plan',
      risk: 'restart',
      steps: [{ action: 'compose.change', params: { edits: [{ before, after }] } }],
      expected: { ...sizes, aside: null, composeHash: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
  });

  const settings = { fixed: ['shared_buffers'], words: 'smaller', why: 'It must fit.' };

  it('has the settings of its command changed there, and others by a reload before', async () => {
    const { task, frame, host } = await open();
    const changes = { shared_buffers: '128MB', maintenance_work_mem: '8MB' };
    expect(await planCommandInCompose(task, { ...settings, changes }, frame, host)).toMatchObject({
      steps: [
        { action: 'setting.alter', params: { settings: { maintenance_work_mem: '8MB' } } },
        { action: 'compose.change', params: { edits: [{ before: '1GB', after: '128MB' }] } },
      ],
      expected: { settings: changes },
    });
  });

  it('is left alone if another setting would have to change while the server is down', async () => {
    const { task, frame, host } = await open();
    const changes = { shared_buffers: '128MB', max_connections: '50' };
    expect(await planCommandInCompose(task, { ...settings, changes }, frame, host)).toMatchObject({
      type: 'refusal',
      advice: expect.stringContaining('in the command of the service'),
    });
  });

  it('is left alone if a new container would lose what the old one wrote', async () => {
    const { task, frame, host } = await open();
    const written = {
      ...host,
      docker: { ...host.docker, changes: async () => [{ path: '/usr/lib/a.so', kind: 'added' as const }] },
    };
    expect(await planSizeInCompose(task, { key: 'mem_limit', from: 1, to: 768 * MiB }, frame, written)).toMatchObject({
      type: 'refusal',
      reason: expect.stringContaining('/usr/lib/a.so'),
    });
  });
});
