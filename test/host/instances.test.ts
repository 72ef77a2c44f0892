import { describe, expect, it } from 'vitest';
import { createTestHost, type TestHost } from '../../src/testing/index.ts';

function hostOf(baked: Readonly<Record<string, string>>, name: string): TestHost {
  return createTestHost({
    containers: [{ name, labels: { 'problems.instance': 'orders' } }],
    docker: {
      image: async (id) => ({ id, tags: [], labels: baked, env: {}, user: '', volumes: [], inspect: {} }),
    },
  });
}

describe('a container with the label problems.instance', () => {
  it('is an instance if whoever started it set the label', async () => {
    const { reader } = hostOf({}, 'db');
    expect((await reader.instances()).map(({ name }) => name)).toEqual(['orders']);
    expect((await hostOf({ 'problems.instance': 'other' }, 'db').reader.instances()).length).toBe(1);
  });

  it('is none if the label comes from its image, so that no image can declare itself an instance', async () => {
    const { reader } = hostOf({ 'problems.instance': 'orders' }, 'db');
    expect(await reader.instances()).toEqual([]);
    expect(await reader.instance('orders')).toBeUndefined();
  });

  it('is one under its own name, whatever its image says', async () => {
    const { reader } = hostOf({ 'problems.instance': 'orders' }, 'vrooli-postgres-orders');
    expect((await reader.instances()).map(({ name }) => name)).toEqual(['orders']);
  });
});
