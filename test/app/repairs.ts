import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  openSwarm,
  type ProjectSwarm,
  type RepairWorkOptions,
  type WorkEvent,
  workOnRepairs,
} from '../../src/app/swarm.ts';
import { openRemediation, type Remediation, type RemediationOptions } from '../../src/app/remediation.ts';
import { loadConfig } from '../../src/config/config.ts';
import { brokenFolder } from '../remediation/broken-files.ts';
import { twoFilesPlugin, writePlugin } from '../remediation/two-files.ts';

/** A project whose registry tells of the wrong files of `brokenFolder`, and whose plugin repairs them. */

const problem = 'postgres/postgresql-files-are-wrong-on-orders';
export const task = 'resolution-postgres--postgresql-files-are-wrong-on-orders';

export const registry = `<!-- EMBED:ACTIVEPROBLEM:START -->
### PostgreSQL files are wrong on orders
**Status:** [active]
**Severity:** [high]
**Frequency:** [frequent]
**Impact:** [user_impact]
**Last Occurrence:** 2025-08-14

#### Investigation Status
- **Root Cause:** A typing mistake.
<!-- EMBED:ACTIVEPROBLEM:END -->
`;

/** @param automation Of the task, and of its repair. */
export async function brokenProject(automation: { task?: string; repair?: string } = {}): Promise<string> {
  const folder = await brokenFolder();
  await writePlugin(folder);
  await writeFile(join(folder, 'PROBLEMS.md'), registry);
  const config = {
    plugins: [`./${twoFilesPlugin}`],
    components: { 'PROBLEMS.md': 'postgres' },
    triage: { problems: { [problem]: automation.task ?? 'auto' } },
    ...(automation.repair === undefined ? {} : { remediation: { automation: { 'broken-files': automation.repair } } }),
  };
  await writeFile(join(folder, 'problems.config.json'), JSON.stringify(config));
  return folder;
}

export interface Opened {
  readonly swarm: ProjectSwarm;
  readonly remediation: Remediation;
  /** Works until nothing is left to take, and returns what happened. */
  readonly work: (more?: Partial<RepairWorkOptions>) => Promise<readonly WorkEvent[]>;
  close(): void;
}

export async function openProject(
  folder: string,
  { now = () => new Date(), ...options }: Partial<RemediationOptions> = {},
): Promise<Opened> {
  const config = await loadConfig(folder, { trust: 'given' });
  const swarm = await openSwarm({ cwd: folder, config, now });
  const { plugins, remediation: settings } = config;
  const remediation = await openRemediation({ folder, config: settings, plugins, remediators: [], now, ...options });
  return {
    swarm,
    remediation,
    async work(more = {}) {
      const events: WorkEvent[] = [];
      await workOnRepairs(swarm, {
        worker: 'host-1',
        config,
        remediation,
        once: true,
        now,
        ...more,
        onEvent(event) {
          events.push(event);
          more.onEvent?.(event);
        },
      });
      return events;
    },
    close() {
      remediation.close();
      swarm.close();
    },
  };
}
