import { randomUUID } from 'node:crypto';
import { isInitializeRequest, WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server';
import { createMcpServer, type McpCaller, type McpSettings } from './server.ts';
import { followResources } from './subscriptions.ts';

/**
 * Sessions of clients of 2025 over HTTP: between two requests the server remembers what a client has subscribed to, and tells of
 * it on the stream that the client keeps open with GET. A client of 2026 needs none.
 */
export interface McpSessions {
  /** Answers a request that begins, uses or ends a session. Undefined: it is none of these and needs no session. */
  answer(request: Request, caller: McpCaller): Promise<Response | undefined>;
  close(): Promise<void>;
}

interface Session {
  readonly caller: McpCaller;
  readonly transport: WebStandardStreamableHTTPServerTransport;
  readonly unfollow: () => void;
}

/** With one more, the one that was not used for the longest time ends. Its client is told 404, and begins again. */
const most = 64;

const header = 'mcp-session-id';

export function mcpSessions(settings: McpSettings, largestBody: number): McpSessions {
  /** The one used last is the last. */
  const sessions = new Map<string, Session>();

  async function begin(request: Request, caller: McpCaller): Promise<Response> {
    const server = createMcpServer(settings, caller);
    const unfollow = followResources(server, settings.service, 'legacy');
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      maxRequestBodySize: largestBody,
      onsessioninitialized: (id) => void sessions.set(id, { caller, transport, unfollow }),
      onsessionclosed(id) {
        sessions.delete(id);
        unfollow();
      },
    });
    await server.connect(transport);
    const answer = await transport.handleRequest(request);
    // It was refused: nothing has begun.
    if (transport.sessionId === undefined) await end({ transport, unfollow });
    const [oldest] = sessions;
    if (oldest !== undefined && sessions.size > most) {
      sessions.delete(oldest[0]);
      await end(oldest[1]);
    }
    return answer;
  }

  return {
    async answer(request, caller) {
      const id = request.headers.get(header);
      if (id === null) return (await isBeginning(request)) ? begin(request, caller) : undefined;
      const session = sessions.get(id);
      // An id alone opens nothing: it is of use only with the token that began the session.
      if (session?.caller.name !== caller.name || session.caller.scope !== caller.scope) return unknownSession();
      sessions.delete(id);
      sessions.set(id, session);
      return session.transport.handleRequest(request);
    },
    async close() {
      await Promise.all([...sessions.values()].map(end));
      sessions.clear();
    },
  };
}

async function end({ transport, unfollow }: Pick<Session, 'transport' | 'unfollow'>): Promise<void> {
  unfollow();
  await transport.close();
}

async function isBeginning(request: Request): Promise<boolean> {
  if (request.method !== 'POST') return false;
  return isInitializeRequest(
    await request
      .clone()
      .json()
      .catch(() => undefined),
  );
}

/** As the protocol says it: the client begins a new session. */
function unknownSession(): Response {
  const error = { code: -32_001, message: 'This session has ended, or is of another token.' };
  return Response.json({ jsonrpc: '2.0', id: null, error }, { status: 404 });
}
