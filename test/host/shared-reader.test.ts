import { describe, expect, it } from 'vitest';
import type { HostReader } from '../../src/host/types.ts';
import { shareAnswers } from '../../src/host/shared-reader.ts';
import { createTestHost } from '../../src/testing/index.ts';

describe('shared answers', () => {
  it('ask the engine once for what several checks want to know, and each time for what may have changed', async () => {
    const asked: string[] = [];
    const { reader } = createTestHost({
      instances: [{ name: 'orders' }],
      docker: {
        logs: async (ref, options) => {
          asked.push(`logs ${ref} ${options?.tail ?? 'all'}`);
          return [];
        },
      },
    });
    const shared = shareAnswers(reader);
    await Promise.all([1, 2].map(() => shared.docker.logs('a', { tail: 5 })));
    await shared.docker.logs('a', { tail: 6 });
    expect(asked).toEqual(['logs a 5', 'logs a 6']);
    expect(await shared.instances()).toBe(await shared.instances());
    expect(await shared.instance('orders')).not.toBe(await shared.instance('orders'));
  });

  it('give every caller the same error', async () => {
    const { reader } = createTestHost();
    const shared = shareAnswers(reader);
    const first = shared.docker.networks();
    await expect(first).rejects.toThrow('does not know');
    await expect(shared.docker.networks()).rejects.toThrow('does not know');
  });

  it('do not wait twice for a server that does not answer in time', async () => {
    let queries = 0;
    const { reader } = createTestHost({ instances: [{ name: 'orders' }, { name: 'billing' }] });
    const silent = {
      ...reader,
      sql: {
        ...reader.sql,
        query: async () => {
          queries += 1;
          await new Promise((resolve) => setTimeout(resolve, 1_600));
          return { ok: false, message: 'timeout expired', sqlstate: undefined, via: 'network' } as const;
        },
      },
    };
    const shared = shareAnswers<HostReader>(silent);
    const [billing, orders] = await shared.instances();
    if (billing === undefined || orders === undefined) throw new Error('an instance is missing');
    for (const _ of [1, 2, 3])
      expect(await shared.sql.query(orders, 'SELECT 1')).toMatchObject({ message: 'timeout expired' });
    expect(queries).toBe(1);
    await shared.sql.query(billing, 'SELECT 1');
    expect(queries).toBe(2);
  });
});
