import { describe, expect, it } from 'vitest';
import { createTestHost } from '../../src/testing/index.ts';

describe('createTestHost', () => {
  it('has the declared instances, derived from containers as in the program', async () => {
    const { reader } = createTestHost({
      instances: [{ name: 'orders' }, { name: 'billing', container: { env: { POSTGRES_USER: 'app' } } }],
      containers: [{ name: 'shop' }],
      files: { '/project/instances/orders/config/instance.conf': 'port="5434"\npassword="hidden"\n' },
    });
    const instances = await reader.instances();
    expect(instances.map(({ name }) => name)).toEqual(['billing', 'orders']);
    expect(await reader.instance('orders')).toMatchObject({
      folder: '/project/instances/orders',
      declared: { port: '5434' },
      volumeKey: 'volume:test-engine/orders-data',
    });
    expect(await reader.instance('billing')).toMatchObject({ user: 'app', database: 'app' });
    expect(await reader.instance('shop')).toBeUndefined();
    expect((await reader.docker.container('shop'))?.state.running).toBe(true);
    expect(await reader.docker.container('nowhere')).toBeUndefined();
  });

  it('answers declared statements, whatever their white space, and errors of the server', async () => {
    const { reader } = createTestHost({
      instances: [
        {
          name: 'orders',
          sql: { 'select 1 as one': [{ one: '1' }], 'select 2': { message: 'denied', sqlstate: '42501' } },
        },
      ],
    });
    const [orders] = await reader.instances();
    if (orders === undefined) throw new Error('no instance');
    expect(await reader.sql.query(orders, 'select 1\n  as one')).toMatchObject({ ok: true, rows: [{ one: '1' }] });
    expect(await reader.sql.query(orders, 'select 2')).toMatchObject({ ok: false, sqlstate: '42501' });
    await expect(reader.sql.query(orders, 'select  3')).rejects.toThrow(
      "The test host has no answer of orders to: select 3\nDeclare it: instances: [{ name: 'orders', sql: { '<statement>': [{ column: 'value' }] } }]",
    );
  });

  it('names the missing declaration for everything else', async () => {
    const { reader, acting } = createTestHost({ docker: { logs: async () => [] } });
    expect(await reader.docker.logs('orders')).toEqual([]);
    await expect(reader.docker.volumes()).rejects.toThrow(
      'The test host does not know docker.volumes.\nDeclare it: createTestHost({ docker: { volumes: async () => … } })',
    );
    await expect(acting.change.docker.create({ name: 'x', config: {} })).rejects.toThrow(
      'createTestHost({ change: { docker: { create: async () => … } } })',
    );
    await expect(reader.files.read('/etc/passwd')).rejects.toMatchObject({ code: 'outside-root' });
  });

  it('gives remediators no way to change anything, and shows actions their changes', async () => {
    const { reader, acting, world } = createTestHost({
      instances: [{ name: 'orders' }],
      files: { '/project/a/b': 'x' },
    });
    expect(reader).not.toHaveProperty('change');
    await acting.change.docker.updateRestartPolicy('vrooli-postgres-orders', { name: 'no', maximumRetryCount: 0 });
    await acting.change.files.replace('/project/a/c', 'y', { sha256: undefined });
    expect((await reader.instance('orders'))?.container.restartPolicy.name).toBe('no');
    expect(await reader.files.list('/project/a')).toEqual(['b', 'c']);
    await expect(acting.change.files.replace('/project/a/c', 'z', { sha256: 'other' })).rejects.toMatchObject({
      code: 'step-refused',
    });
    expect(world()).toMatchObject({ files: { '/project/a/b': 'x', '/project/a/c': 'y' } });
  });
});
