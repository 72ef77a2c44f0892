import { userInfo } from 'node:os';
import { scopes } from '../../service/contract.ts';
import { defineCommand } from '../command.ts';
import { configFor, configOptions } from '../shared-options.ts';

export const mcp = defineCommand({
  name: 'mcp',
  group: 'service',
  summary: 'Serve agents over MCP on standard input and output.',
  about:
    'For clients that start their server themselves. Twelve tools read problems, findings, plans, runs and backups, ask for ' +
    'repairs and report attempts; none approves, rolls back, pauses or changes the policy. It needs no running service: ' +
    'findings are those of the last round that a service made, with their age, and an agent can ask for a new one. See docs/mcp.md.',
  arguments: [],
  options: {
    scope: {
      type: 'text',
      value: 'scope',
      about: '`read`: only tools that change nothing. `request`, the default: also those that ask for something.',
      choices: scopes.filter((scope) => scope !== 'approve'),
    },
    ...configOptions,
  },
  examples: [
    { command: 'problems mcp', about: 'as the command of a server in the settings of an MCP client' },
    { command: 'problems mcp --scope read', about: 'for an agent that may only read' },
  ],
  exitCodes: [
    { code: 0, about: 'the client has ended the connection' },
    { code: 2, about: 'it could not start: the config is wrong, the state file cannot be read, …' },
  ],
  async run({ options, cwd, now, screen, signal }) {
    const config = await configFor(options, cwd, { ownOnly: true });
    const [{ localService }, { mcpOverStdio }, { newSharedWork }, { escapeTerminal }] = await Promise.all([
      import('../../service/mcp/local-service.ts'),
      import('../../service/mcp/over-stdio.ts'),
      import('../../service/operations/context.ts'),
      import('../../reporters/escape-terminal.ts'),
    ]);
    function warn(text: string): void {
      screen.notes.write(`problems mcp: ${escapeTerminal(text)}\n`);
    }
    const service = await localService({ config, now, onWarning: warn });
    warn('serving MCP on standard input and output; findings are those of the last round until an agent asks for one');
    try {
      const settings = { service, project: { cwd, config }, now, shared: newSharedWork() };
      const caller = {
        name: `${userInfo().username} (mcp)`,
        scope: options.scope === 'read' ? 'read' : 'request',
      } as const;
      await mcpOverStdio(
        { ...settings, readOnly: false, onError: (error) => warn(error instanceof Error ? error.message : 'an error') },
        caller,
        signal,
      );
    } finally {
      await service.stop();
    }
    return 0;
  },
});
