import type { McpRequestContext, McpServer } from '@modelcontextprotocol/server';
import { serveStdio, StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import { createMcpServer, type McpCaller, type McpSettings } from './server.ts';
import { followResources } from './subscriptions.ts';

/**
 * MCP over stdin and stdout, for the protocol of 2026-07-28 and those of 2025, until the client closes its end or `signal` is
 * aborted. Whoever started the process may do what their user may, so no token is asked for; the tools are the same.
 */
export async function mcpOverStdio(
  settings: McpSettings,
  caller: McpCaller,
  signal: AbortSignal | undefined,
): Promise<void> {
  const ended = Promise.withResolvers<void>();
  // No call of our tools is longer than a megabyte.
  const transport = new StdioServerTransport(process.stdin, process.stdout, { maxBufferSize: 1_048_576 });
  const ends: (() => void)[] = [];
  function serverOf({ era }: McpRequestContext): McpServer {
    const server = createMcpServer(settings, caller);
    ends.push(followResources(server, settings.service, era));
    return server;
  }
  const handle = serveStdio(serverOf, {
    transport,
    maxSubscriptions: 32,
    onerror: settings.onError,
  });
  process.stdin.once('end', ended.resolve);
  process.stdin.once('close', ended.resolve);
  signal?.addEventListener('abort', () => ended.resolve());
  await ended.promise;
  for (const end of ends) end();
  await handle.close();
}
