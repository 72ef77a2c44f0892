import { createMcpHandler, isLegacyRequest } from '@modelcontextprotocol/server';
import { scopes } from '../contract.ts';
import { createMcpServer, type McpCaller, type McpSettings } from './server.ts';
import { mcpSessions } from './sessions.ts';
import { changedUri } from './subscriptions.ts';

/** MCP over streamable HTTP, for the protocol of 2026-07-28 and those of 2025. */
export interface McpOverHttp {
  /**
   * Answers a request of a caller whose token was checked. A stream ends when `isStillIn` says that its token is gone: it is asked
   * for each message, and for the sign of life every 15 seconds.
   */
  answer(request: Request, caller: McpCaller, isStillIn: () => boolean): Promise<Response>;
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
  const sessions = mcpSessions(settings, largestBody);
  const unsubscribe = settings.service.subscribe((event) => {
    const uri = changedUri(event);
    if (uri !== undefined) handler.notify.resourceUpdated(uri);
  });

  async function answerTo(request: Request, { name, scope }: McpCaller): Promise<Response> {
    const isLegacy = await isLegacyRequest(request, undefined, { maxRequestBodySize: largestBody });
    const answered = isLegacy ? await sessions.answer(request, { name, scope }) : undefined;
    // Tools do not see the token itself.
    return answered ?? handler.fetch(request, { authInfo: { token: '', clientId: name, scopes: [scope] } });
  }

  return {
    answer: async (request, caller, isStillIn) => whileIn(await answerTo(request, caller), isStillIn),
    async close() {
      unsubscribe();
      await Promise.all([sessions.close(), handler.close()]);
    },
  };
}

function whileIn(response: Response, isStillIn: () => boolean): Response {
  if (response.headers.get('content-type')?.startsWith('text/event-stream') !== true) return response;
  const ending = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      if (isStillIn()) controller.enqueue(chunk);
      else controller.terminate();
    },
  });
  return new Response(response.body?.pipeThrough(ending), response);
}
