import { useEffect, useState } from 'preact/hooks';
import type { ServiceView } from '../service/types.ts';
import type { Answers } from './answers.ts';
import { get, lastAnswer, type Query, RequestFailed } from './client.ts';
import { count, visible } from './format.ts';

/** What every page shares: the view, kept current by the server's events. */
export interface Live {
  readonly session: Answers['GET /session'] | null;
  readonly view: ServiceView | null;
  readonly failure: RequestFailed | null;
  /** `signed-out`: the token or its session is no longer valid. */
  readonly connection: 'connecting' | 'live' | 'lost' | 'signed-out';
  /** Goes up when something that pages show may have changed. */
  readonly version: number;
  /** The last thing that happened in a run, for those who listen. */
  readonly said: string;
}

let live: Live = { session: null, view: null, failure: null, connection: 'connecting', version: 0, said: '' };
/** What the server's clock is ahead of this one, in milliseconds. */
let ahead = 0;
const listeners = new Set<(next: Live) => void>();

function change(part: Partial<Live>): void {
  live = { ...live, ...part };
  for (const listener of listeners) listener(live);
}

export function useLive(): Live {
  const [state, setState] = useState(live);
  useEffect(() => {
    listeners.add(setState);
    setState(live);
    return () => {
      listeners.delete(setState);
    };
  }, []);
  return state;
}

/** What pages show. They are drawn only while it is there. */
export function useView(): Live & { readonly view: ServiceView; readonly session: Answers['GET /session'] } {
  const { view, session, ...rest } = useLive();
  if (view === null || session === null) throw new Error('Nothing has been read yet.');
  return { ...rest, view, session };
}

/** Milliseconds since 1970 by the server's clock. */
export function serverNow(): number {
  return Date.now() + ahead;
}

function failureFrom(error: unknown): RequestFailed {
  return error instanceof RequestFailed
    ? error
    : new RequestFailed(0, 'internal', 'This page could not read the answer.', 'Reload it.');
}

function noteFailure(failure: RequestFailed): void {
  change(failure.status === 401 ? { connection: 'signed-out', failure: null } : { failure });
}

export async function refresh(): Promise<void> {
  try {
    const view = await get('GET /view');
    ahead = Date.parse(view.at) - Date.now();
    change({ view, failure: null, version: live.version + 1 });
  } catch (error) {
    noteFailure(failureFrom(error));
  }
}

let waiting: ReturnType<typeof setTimeout> | undefined;

/** Many events at once cause one request. */
function refreshSoon(): void {
  waiting ??= setTimeout(() => {
    waiting = undefined;
    void refresh();
  }, 250);
}

const eventTypes = [
  'round',
  'instance',
  'finding',
  'alert',
  'delivery',
  'job',
  'proof',
  'run-ended',
  'repaired',
  'recurred',
  'remediation',
  'reset',
] as const;

interface Happening {
  readonly type?: string;
  readonly outcome?: string;
  readonly event?: {
    readonly type?: string;
    readonly phase?: string;
    readonly what?: string;
    readonly index?: number;
    readonly of?: number;
    readonly state?: string;
  };
}

/** One sentence for `aria-live`, of what is worth an interruption; else empty. */
function sentenceOf({ type, outcome, event }: Happening): string {
  if (type === 'run-ended') return `The run ended: ${(outcome ?? 'unknown').replaceAll('-', ' ')}.`;
  if (event?.type === 'step')
    return `${event.state === 'undoing' ? 'Undoing step' : 'Step'} ${(event.index ?? 0) + 1} of ${event.of ?? 0}: ${event.what ?? ''}`;
  return event?.type === 'run' ? `The run is in the phase ${event.phase ?? ''}.` : '';
}

/** An event; empty if it is none. */
function happeningOf(data: string): Happening {
  const happening: unknown = JSON.parse(visible(data));
  return isHappening(happening) ? happening : {};
}

function isHappening(value: unknown): value is Happening {
  return typeof value === 'object' && value !== null;
}

function onEvent(message: MessageEvent<unknown>): void {
  if (typeof message.data !== 'string') return;
  const happening = happeningOf(message.data);
  // Progress of checks comes many times a second and changes nothing that is shown.
  if (happening.type === 'remediation' && happening.event?.type !== 'run' && happening.event?.type !== 'step') return;
  const said = sentenceOf(happening);
  if (said !== '') change({ said });
  refreshSoon();
}

let source: EventSource | undefined;
let retry: ReturnType<typeof setTimeout> | undefined;

/** The browser itself reconnects and sends Last-Event-ID. When it gives up, we begin again, and read everything. */
function listen(): void {
  source?.close();
  source = new EventSource('/api/v1/events');
  source.addEventListener('open', () => {
    if (live.connection === 'lost') refreshSoon();
    change({ connection: 'live' });
  });
  source.addEventListener('error', () => {
    if (live.connection === 'signed-out') return;
    change({ connection: 'lost' });
    if (source?.readyState !== EventSource.CLOSED) return;
    clearTimeout(retry);
    retry = setTimeout(() => void start(), 3000);
  });
  source.addEventListener('message', onEvent);
  for (const type of eventTypes) source.addEventListener(type, onEvent);
}

/** Asks who is signed in, reads the view and begins to listen. */
export async function start(): Promise<void> {
  try {
    const session = await get('GET /session');
    change({ session, failure: null, connection: live.connection === 'lost' ? 'lost' : 'connecting' });
  } catch (error) {
    const failure = failureFrom(error);
    noteFailure(failure);
    if (failure.status === 401) return;
    change({ connection: 'lost' });
    clearTimeout(retry);
    retry = setTimeout(() => void start(), 3000);
    return;
  }
  await refresh();
  listen();
}

export function signOut(): void {
  source?.close();
  change({ session: null, view: null, connection: 'signed-out' });
}

export interface Asked<Answer> {
  readonly answer: Answer | undefined;
  readonly failure: RequestFailed | undefined;
  readonly again: () => void;
}

/** The answer of one route; asked again on every change if it is `live`, else once. Shows what was there before meanwhile. */
export function useAnswer<Route extends keyof Answers>(
  route: Route,
  {
    parameters = [],
    query = {},
    live: followed = false,
  }: { parameters?: readonly string[]; query?: Query; live?: boolean } = {},
): Asked<Answers[Route]> {
  const { version } = useLive();
  const [asked, setAsked] = useState(0);
  const key = JSON.stringify([route, parameters, query]);
  const [state, setState] = useState<{ key: string; answer?: Answers[Route]; failure?: RequestFailed }>({ key });
  useEffect(() => {
    let current = true;
    get(route, parameters, query).then(
      (answer) => current && setState({ key, answer }),
      (error: unknown) => {
        const failure = failureFrom(error);
        if (failure.status === 401) noteFailure(failure);
        if (current) setState((before) => (before.key === key ? { ...before, failure } : { key, failure }));
      },
    );
    return () => {
      current = false;
    };
  }, [key, asked, followed ? version : 0]);
  const fresh = state.key === key ? state : undefined;
  return {
    answer: fresh?.answer ?? lastAnswer(route, parameters, query),
    failure: fresh?.failure,
    again: () => setAsked(asked + 1),
  };
}

/** The time by the server's clock; the component is drawn again every second while it is shown. */
export function useNow(everyMs = 1000): number {
  const [now, setNow] = useState(serverNow());
  useEffect(() => {
    setNow(serverNow());
    const timer = setInterval(() => setNow(serverNow()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

export function waitingRuns(view: ServiceView): ServiceView['openRuns'] {
  return view.openRuns.filter(({ phase, outcome }) => phase === 'awaiting-approval' || outcome === 'stuck');
}

export function summaryOfInstances({ instances }: ServiceView): {
  readonly text: string;
  readonly tone: 'up' | 'down' | 'unknown';
} {
  const names = (status: string) => instances.filter((one) => one.status === status).map(({ instance }) => instance);
  const down = names('down');
  const unknown = names('unknown');
  const total = count(instances.length, 'instance');
  if (down.length === 1) return { text: `${down[0] ?? ''} is down`, tone: 'down' };
  if (down.length > 1) return { text: `${down.length} of ${total} are down`, tone: 'down' };
  if (unknown.length === 1) return { text: `${unknown[0] ?? ''} could not be checked`, tone: 'unknown' };
  if (unknown.length > 1) return { text: `${unknown.length} of ${total} could not be checked`, tone: 'unknown' };
  if (instances.length === 1) return { text: `${instances[0]?.instance ?? ''} answers`, tone: 'up' };
  return { text: `All ${total} answer`, tone: 'up' };
}

/** Whether this session may ask for checks and repairs. */
export function mayAsk(session: Live['session'], view: ServiceView | null): boolean {
  return session !== null && session.scope !== 'read' && !session.readOnly && view?.readOnly !== true;
}

/** Whether it may approve, roll back, lift and pause. */
export function mayApprove(session: Live['session'], view: ServiceView | null): boolean {
  return mayAsk(session, view) && session?.scope === 'approve';
}
