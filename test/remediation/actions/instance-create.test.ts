import { expect, it } from 'vitest';
import type { ContainerSpec } from '../../../src/host/docker/types.ts';
import { instanceCreate } from '../../../src/remediation/actions/instance-create.ts';
import { createTestHost } from '../../../src/testing/index.ts';

it('a new instance stays when it stops, is not restarted, and reaches nothing of the one that it is like', async () => {
  const specs: ContainerSpec[] = [];
  const { acting } = createTestHost({
    instances: [{ name: 'shop' }],
    change: {
      docker: {
        create: async (spec) => {
          specs.push(spec);
          return 'made';
        },
      },
    },
  });
  const template = (await acting.instance('shop'))?.container;
  if (template === undefined) throw new Error('no instance shop');
  const old = {
    ...template,
    inspect: {
      Config: { Hostname: 'shop', Labels: { 'com.docker.compose.project': 'shop', team: 'sales' } },
      HostConfig: { AutoRemove: true, RestartPolicy: { Name: 'always' }, NetworkMode: 'shop', VolumesFrom: ['other'] },
    },
  };
  const host = {
    ...acting,
    docker: { ...acting.docker, container: async (id: string) => (id === old.id ? old : undefined) },
  };
  await instanceCreate.apply(
    { like: old.id, name: 'restored', volume: 'restored', serverPort: 5432, port: 5499 },
    host,
  );
  expect(specs).toMatchObject([
    {
      name: 'restored',
      config: {
        Labels: { team: 'sales' },
        HostConfig: {
          AutoRemove: false,
          RestartPolicy: { Name: 'no' },
          NetworkMode: 'bridge',
          VolumesFrom: [],
          PortBindings: { '5432/tcp': [{ HostIp: '127.0.0.1', HostPort: '5499' }] },
        },
      },
    },
  ]);
  expect(JSON.stringify(specs)).not.toContain('com.docker.compose');
});
