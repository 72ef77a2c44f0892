import type { Service, ServiceStore } from '../../src/service/contract.ts';
import { openServiceStore } from '../../src/service/store/store.ts';
import type { ServiceEvent, ServiceView } from '../../src/service/types.ts';
import { sampleRound, sampleView } from './sample-view.ts';

export interface SampleService extends Pick<Service, 'view' | 'subscribe' | 'publish'> {
  readonly history: ServiceStore;
  /** Sets the view, and publishes the round that saw it. */
  show(view: ServiceView): void;
  /** Forgets the listeners. The history stays. */
  restart(): void;
}

/** A service whose view the test sets, with a real history in memory that knows one round. */
export async function sampleService(
  first: ServiceView = sampleView({ alerts: [], deliveries: [] }),
): Promise<SampleService> {
  const history = await openServiceStore(':memory:');
  history.rounds.note(sampleRound());
  const listeners = new Set<(event: ServiceEvent) => void>();
  let view = first;
  const publish = (event: ServiceEvent) => {
    for (const listener of listeners) listener(event);
  };
  return {
    history,
    publish,
    view: () => ({ ...view, alerts: history.alerts.list(200), deliveries: history.deliveries.list(100) }),
    show(next) {
      view = next;
      publish({ type: 'round', round: sampleRound({ kind: 'light' }) });
    },
    restart: () => listeners.clear(),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
