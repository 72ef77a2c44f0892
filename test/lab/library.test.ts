import { cp, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { manage } from '../../examples/swarm-manager.ts';
import { startInstance } from './instance.ts';
import { createRun, labRuns } from './support.ts';

const root = join(import.meta.dirname, '../..');
const registry = `# Problems

<!-- EMBED:ACTIVEPROBLEM:START -->
### No restart policy
**Status:** [active]
**Severity:** [high]
**Frequency:** [frequent]
**Impact:** [system_down]
**Discovered:** [2025-06-03]

#### Description
PostgreSQL of orders stays down after a restart of the engine.
<!-- EMBED:ACTIVEPROBLEM:END -->
`;

describe.skipIf(!(await labRuns()))('the library without the command line', () => {
  it('scans, hands out, repairs an instance, and records the outcome in the registry, once', async (test) => {
    const run = await createRun(test);
    const { folder, prefix } = run;
    const { container, containerName } = await startInstance(run, { name: 'orders', storage: 'seeded' });
    await container.update({ RestartPolicy: { Name: 'no' } });
    await cp(join(root, 'examples/plugin'), join(folder, 'plugin'), { recursive: true });
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    await writeFile(join(folder, 'PROBLEMS.md'), registry);
    const remediation = {
      containers: `^${prefix}vrooli-postgres-(.+)$`,
      automation: { 'missing-restart-policy': 'auto' },
    };
    const triage = { classes: { configuration: 'auto' } };
    const config = { plugins: ['./plugin/index.ts'], remediation, triage };
    await writeFile(join(folder, 'problems.config.json'), JSON.stringify(config));

    const told: string[] = [];
    const options = {
      folder,
      signal: test.signal,
      print: (line: string) => void told.push(line),
    };
    await manage(options);
    expect(told).toContainEqual(expect.stringMatching(/^run r\w+: fixed missing-restart-policy\/orders\/no-policy$/));
    expect(told).toContain('recorded in PROBLEMS.md');
    expect(told).toContainEqual(expect.stringMatching(/^done by repair-[12]: .*: Fixed by run r\w+: /));
    expect((await container.inspect()).HostConfig.RestartPolicy?.Name, containerName).toBe('unless-stopped');
    const recorded = await readFile(join(folder, 'PROBLEMS.md'), 'utf8');
    expect(recorded).toContain('**Status:** [resolved]');
    expect(recorded).toContain('fixed it');

    told.length = 0;
    await manage(options);
    expect(told.filter((line) => /^(?:run|done|failed)/.test(line))).toEqual([]);
  });
});
