import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createHelper } from '../../src/host/exec.ts';
import { openEngine } from '../../src/host/docker/client.ts';
import { type HelperTask, helperTasks } from '../../src/host/docker/helper-tasks.ts';
import type { HelperSpec } from '../../src/host/docker/types.ts';

const sources = join(import.meta.dirname, '../../src');

describe('a helper container', () => {
  it('never gets the capability that opens files of the host by handle', () => {
    const naming = globSync('**/*.ts', { cwd: sources }).filter((path) =>
      /['"`](?:CAP_)?(?:DAC_READ_SEARCH|SYS_ADMIN|ALL)['"`]/.test(
        readFileSync(join(sources, path), 'utf8').replaceAll(/CapDrop: \['ALL'\]/g, ''),
      ),
    );
    // Reads which capabilities a container of someone else has.
    expect(naming).toEqual(['remediation/remediators/volume-permissions/files.ts']);
  });

  it('has a row in the table of SECURITY.md, which says what its task may have', () => {
    const text = readFileSync(join(sources, '../SECURITY.md'), 'utf8');
    const rows = [
      ...text.matchAll(
        /^ *\| (.+?) +\| `([a-z-]+)` +\| (\S+) +\| (.+?) +\| (\S+) +\| (\S+) +\| (.+?) +\| (\S+) +\|$/gm,
      ),
    ];
    const stated = rows.map(([, about, name, user, capabilities, network, writes, memory, cpus]) => [
      name,
      {
        about,
        user,
        capabilities: [...(capabilities ?? '').matchAll(/[A-Z_]+/g)].map(([one]) => one),
        network,
        writes,
        memory,
        cpus,
      },
    ]);
    const declared = Object.entries<HelperTask>(helperTasks).map(([name, task]) => [
      name,
      {
        about: task.about,
        user: task.user,
        capabilities: task.capabilities,
        network: task.network,
        writes: task.writes ? 'yes' : 'no',
        memory: task.memoryBytes >= 2 ** 30 ? `${task.memoryBytes / 2 ** 30} GiB` : `${task.memoryBytes / 2 ** 20} MiB`,
        cpus: String(task.cpus ?? 'all'),
      },
    ]);
    expect(stated).toEqual(declared);
  });

  it.for<readonly [string, Partial<HelperSpec>]>([
    ['another user', { user: '0:0' }],
    ['a network', { network: { container: 'orders' } }],
    ['a mount that it could write to', { mounts: [{ type: 'volume', source: 'v', target: '/v', readonly: false }] }],
  ])('is not created if its task does not allow %s', async ([, more]) => {
    const engine = openEngine(new AbortController().signal).changing;
    const spec: HelperSpec = { task: 'survey', image: 'postgres', command: ['true'], ...more };
    await expect(createHelper(engine, spec)).rejects.toThrow('than its task allows');
  });
});
