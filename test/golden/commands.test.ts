import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { golden, openProject } from './project.ts';

/*
 * What programs read from the commands that need no engine: the bytes of stdout and the exit code. A deliberate change is
 * recorded by `npx vitest run --project unit test/golden -u`. Human-readable texts are left out: of those commands only the
 * exit code is here.
 */

const diagnosed = readdirSync(join(import.meta.dirname, '../../fixtures/diagnostics'))
  .toSorted()
  .map((name) => `fixtures/diagnostics/${name}`);

const config = `components:
  fixtures/tree: forest
  fixtures/resources/postgres: database
ignore: [fixtures/tree/scenarios/]
priority:
  profile: elastic
  weights: { impact: 2, cost: 0.5 }
  bands: { critical: 300, high: 100, medium: 10 }
triage:
  classes: { network: human, performance: auto }
`;

/** Registries that no fixture holds, most of them wrong. */
const odd = {
  'odd/empty/PROBLEMS.md': '',
  'odd/prose/PROBLEMS.md': '# Notes\n\nNo markers here.\n',
  'odd/controls/PROBLEMS.md':
    '# P\n\n<!-- EMBED:ACTIVEPROBLEM:START -->\n### Red \u001b[31m title\u202e\n**Status:** [active]\n<!-- EMBED:ACTIVEPROBLEM:END -->\n',
  'odd/cut/PROBLEMS.md': '# P\n\n<!-- EMBED:ACTIVEPROBLEM:START -->\n### Never closed\n',
  'odd/folder/PROBLEMS.md/inner.txt': 'a folder in the place of a registry\n',
};

const all = [...diagnosed, 'fixtures'];
const wrong = ['odd', 'odd/bytes.md', 'odd/folder/PROBLEMS.md'];

const printed: Readonly<Record<string, readonly (readonly string[])[]>> = {
  scan: [['scan', 'fixtures', '--json']],
  'scan-diagnosed': [['scan', ...diagnosed, '--json', '--top', '0']],
  'scan-odd': [['scan', 'odd', '--json']],
  'scan-config': [['scan', 'fixtures/tree', 'fixtures/resources', '--json', '--top', '12', '--config', 'another.yaml']],
  'scan-filtered': [
    ['scan', 'fixtures', '--json', '--kind', 'analysis,resolved', '--component', 'mail,tree'],
    ['scan', 'fixtures/tree', '--json', '--kind', 'investigation,monitoring'],
    ['scan', 'fixtures/tree', '--json', '--severity', 'critical,high', '--status', 'active,investigating'],
    ['scan', 'fixtures/tree', '--json', '--top', '2', '--min-score', '3.36', '--no-cache'],
    ['scan', 'fixtures/tree', '--json', '--top', '0', '--strict', '--component', 'scenarios/shop'],
    ['scan', 'fixtures/tree', '--json', '--component', 'nowhere'],
  ],
  'validate-json': [['validate', ...all, '--format', 'json']],
  'validate-sarif': [['validate', ...all, '--format', 'sarif']],
  'validate-github': [['validate', ...all, '--format', 'github']],
  'validate-clean': [
    ['validate', 'fixtures/resources', '--format', 'json'],
    ['validate', 'fixtures/resources', '--format', 'github'],
  ],
  'validate-odd': [
    ['validate', ...wrong, '--format', 'json'],
    ['validate', ...wrong, '--format', 'github'],
    ['validate', '-', '--stdin-filename', 'piped/PROBLEMS.md', '--format', 'json'],
  ],
  show: [
    ['show', 'port-allocation-conflicts', '--json'],
    ['show', 'postgres/docker-volume-permission-issues', 'fixtures/resources', '--json'],
    ['show', 'pgweb-gui-connection-timeouts', '--json'],
    ['show', 'analysis-period-july-2025', '--json'],
    ['show', 'swarm-integration', '--json'],
    ['show', 'multi-instance-resource-conflicts', '--json'],
  ],
  explain: [
    ['explain', 'port-allocation-conflicts', '--json'],
    ['explain', 'resolution-tree--clocks-drift-apart', '--json'],
    ['explain', 'deliveries-fail-at-night', 'fixtures/tree', '--json'],
    ['explain', 'mail/attachments-lost-their-names', '--json'],
  ],
  new: [['active'], ['intermittent'], ['resolved'], ['pattern'], ['integration'], ['analysis']].map((kind) => [
    'new',
    ...kind,
  ]),
  'completion-bash': [['completion', 'bash']],
};

describe.each(Object.entries(printed))('%s', (name, commands) => {
  it('prints the same bytes and returns the same exit codes', async () => {
    await using project = openProject({ ...odd, 'another.yaml': config });
    project.write('odd/bytes.md', Uint8Array.of(0x23, 0x20, 0xff, 0xfe, 0x0a, 0x00, 0x0a));
    const transcripts = [];
    for (const words of commands)
      transcripts.push((await project.run(words, { input: odd['odd/cut/PROBLEMS.md'] })).text);
    await expect(transcripts.join('')).toMatchFileSnapshot(golden(`commands/${name}.txt`));
  });
});

const returned = [
  [],
  ['--help'],
  ['--version'],
  ['help', 'scan'],
  ['help', 'scna'],
  ['valdate'],
  ['--json', 'scan'],
  ['scan', 'fixtures'],
  ['scan', 'odd'],
  ['scan', 'odd/prose'],
  ['scan', 'fixtures/resources', '--strict'],
  ['scan', 'fixtures/tree', '--strict'],
  ['scan', 'missing'],
  ['scan', 'missing', '--json'],
  ['scan', '--top', '1.5'],
  ['scan', '--kind', 'resolutoin'],
  ['scan', '--component', ''],
  ['scan', '--config', 'missing.yaml'],
  ['scan', '--config', 'another.yaml', '--no-config-lookup'],
  ['scan', '--config', 'unknown-key.yaml'],
  ['scan', '--config', 'unreadable.json'],
  ['scan', '--write-tasks', 'odd/prose/PROBLEMS.md'],
  ['validate', 'fixtures'],
  ['validate', 'fixtures', '--strict'],
  ['validate', 'fixtures', '--max-warnings', '1000'],
  ['validate', 'fixtures', '--max-warnings', '0'],
  ['validate', 'fixtures/resources'],
  ['validate', 'missing'],
  ['validate', 'missing', '--format', 'json'],
  ['validate', '--format', 'jsn'],
  ['validate', '-'],
  ['validate', '-', '--fix'],
  ['validate', '-', 'fixtures'],
  ['show', 'port-allocation-conflicts'],
  ['show', 'no-such-problem', '--json'],
  ['show', 'title', 'odd', '--json'],
  ['show'],
  ['explain', 'port-allocation-conflicts'],
  ['explain', 'no-such-problem', '--json'],
  ['explain', 'analysis-period-july-2025', '--json'],
  ['new'],
  ['new', 'nothing'],
  ['new', 'active', '--into', 'odd/folder/PROBLEMS.md'],
  ['schema', 'nothing'],
  ['schema', 'scan'],
  ['init', 'odd/prose/PROBLEMS.md'],
  ['completion'],
  ['completion', 'tcsh'],
  ['completion', 'zsh'],
  ['completion', 'fish'],
];

describe('exit codes of commands with text output, and of wrong command lines', () => {
  it('are the same, and only --json has anything on stdout after a failure', async () => {
    await using project = openProject({
      ...odd,
      'another.yaml': config,
      'unknown-key.yaml': 'ignor: [x]\n',
      'unreadable.json': '{',
    });
    const lines = [];
    for (const words of returned) {
      const { code, stdout } = await project.run(words, { input: odd['odd/cut/PROBLEMS.md'] });
      lines.push(`${code} ${stdout === '' ? '-' : 'stdout'} problems ${words.join(' ')}\n`);
    }
    await expect(lines.join('')).toMatchFileSnapshot(golden('commands/exit-codes.txt'));
  });
});
