import { ProtocolError, ProtocolErrorCode, type McpServer } from '@modelcontextprotocol/server';
import type { Service } from '../contract.ts';
import type { ServiceEvent } from '../types.ts';
import { findingsUri, runUri } from './server.ts';

/** Of one client. */
const most = 32;

/** The address of the resource that an event changes; undefined: of none that can be subscribed to. */
export function changedUri(event: ServiceEvent): string | undefined {
  if (event.type === 'finding') return findingsUri;
  if (event.type === 'run-ended') return runUri(event.run);
  return event.type === 'remediation' && event.event.type === 'run' ? runUri(event.event.run) : undefined;
}

/**
 * Tells a client that stays connected of resources that change. Those of 2025 subscribe with `resources/subscribe`; what those
 * of 2026 listen to, the SDK knows.
 * @returns Ends it.
 */
export function followResources(
  { server }: McpServer,
  service: Pick<Service, 'subscribe'>,
  era: 'legacy' | 'modern',
): () => void {
  const wanted = new Set<string>();
  if (era === 'legacy') {
    server.setRequestHandler('resources/subscribe', ({ params: { uri } }) => {
      if (wanted.size >= most && !wanted.has(uri))
        throw new ProtocolError(ProtocolErrorCode.InvalidParams, `More than ${most} subscriptions.`);
      wanted.add(uri);
      return {};
    });
    server.setRequestHandler('resources/unsubscribe', ({ params: { uri } }) => {
      wanted.delete(uri);
      return {};
    });
  }
  return service.subscribe((event) => {
    const uri = changedUri(event);
    if (uri === undefined || (era === 'legacy' && !wanted.has(uri))) return;
    // The client may have gone since.
    server.sendResourceUpdated({ uri }).catch(() => undefined);
  });
}
