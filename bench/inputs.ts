import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A record as people write it, with its number in its title. */
export function recordText(number: number): string {
  return `<!-- EMBED:ACTIVEPROBLEM:START -->
### Queue ${number} runs full
**Status:** [active]
**Severity:** [high]
**Frequency:** [frequent]
**Impact:** [degraded_performance]
**Discovered:** 2025-01-12
**Discovered By:** the nightly load test
**Last Occurrence:** 2025-02-20 10:15

#### Description
Queue ${number} accepts more work than its workers finish, until its disk is full and every later job is refused.

#### Reproduction Steps
1. Send a thousand jobs at once.
2. Watch the depth of queue ${number}.

#### Impact Assessment
- **Users Affected:** everyone who waits for a report
- **Business Impact:** reports of the day come a day late

#### Investigation Status
- **Root Cause:** workers wait for one lock
- **Workarounds:** restart the workers

#### Priority Estimates
\`\`\`yaml
impact: ${(number % 9) + 1}
urgency: high
success_prob: 0.8
resource_cost: moderate
\`\`\`
<!-- EMBED:ACTIVEPROBLEM:END -->
`;
}

/** A registry of at least so many bytes. */
export function registryText(bytes: number): string {
  const parts = ['# Problems\n\n## Active\n'];
  for (let number = 0, length = 0; length < bytes; number++) {
    const record = `\n${recordText(number)}`;
    length += record.length;
    parts.push(record);
  }
  return parts.join('');
}

const prose = `# Problems\n\n${'What is known of this part, in plain words and without a single record.\n'.repeat(20)}`;

export interface TreeSize {
  readonly folders: number;
  /** One folder in so many has a registry with records, the others have prose. */
  readonly every: number;
  readonly otherFiles: number;
  /** Bytes of each registry, at least. */
  readonly registry: number;
}

/** Folders with a PROBLEMS.md each, in a hundred groups, and other files spread over them. The same size gives the same tree. */
export function makeTree(root: string, { folders, every, otherFiles, registry }: TreeSize): void {
  const text = registryText(registry);
  const perFolder = Math.ceil(otherFiles / folders);
  for (let index = 0; index < folders; index++) {
    const folder = join(root, `group-${index % 100}`, `part-${index}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'PROBLEMS.md'), index % every === 0 ? text : prose);
    for (let other = 0; other < perFolder; other++)
      writeFileSync(join(folder, `file-${other}.${other % 2 === 0 ? 'ts' : 'md'}`), `// ${other}\n`);
  }
  writeFileSync(join(root, '.gitignore'), 'node_modules/\ndist/\ncoverage/\n*.log\n.env\n');
}

export function makeRepository(root: string): void {
  const git = (...args: readonly string[]): unknown => execFileSync('git', ['-C', root, ...args], { stdio: 'ignore' });
  git('init', '--quiet');
  git('add', '--all');
  git('-c', 'user.name=bench', '-c', 'user.email=bench@example.org', 'commit', '--quiet', '--message', 'All');
}
