import { createMcpHandler } from '@modelcontextprotocol/server';
import { scopes } from '../contract.ts';
import { createMcpServer, type McpCaller, type McpSettings } from './server.ts';
import { changedUri } from './subscriptions.ts';

/** MCP over streamable HTTP: stateless, for the protocol of 2026-07-28 and those of 2025. */
export interface McpOverHttp {
  /** Answers a request of a caller whose token was checked. */
  answer(request: Request, caller: McpCaller): Promise<Response>;
  close(): Promise<void>;
}

const mostSubscriptions = 32;
const largestBody = 64 * 1_024;

export function mcpOverHttp(settings: McpSettings): McpOverHttp {
  const handler = createMcpHandler(
    ({ authInfo }) => {
      const scope = scopes.find((one) => authInfo?.scopes.includes(one)) ?? 'read';
      return createMcpServer(settings, { name: authInfo?.clientId ?? 'unknown', scope });
    },
    { maxSubscriptions: mostSubscriptions, maxRequestBodySize: largestBody, onerror: settings.onError },
  );
  const unsubscribe = settings.service.subscribe((event) => {
    const uri = changedUri(event);
    if (uri !== undefined) handler.notify.resourceUpdated(uri);
  });
  return {
    // Tools do not see the token itself.
    answer: (request, { name, scope }) =>
      handler.fetch(request, { authInfo: { token: '', clientId: name, scopes: [scope] } }),
    async close() {
      unsubscribe();
      await handler.close();
    },
  };
}
