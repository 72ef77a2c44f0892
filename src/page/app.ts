import { h } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { postPlain, RequestFailed } from './client.ts';
import { type Content, failed, html, mark, skeleton } from './elements.ts';
import { type Live, refresh, signOut, useLive, waitingRuns } from './live.ts';
import { Findings } from './pages/findings.ts';
import { Login } from './pages/login.ts';
import { Overview } from './pages/overview.ts';
import { Waiting } from './pages/waiting.ts';
import { addressOf, frame, link, pages, type Route, routeOf } from './routes.ts';
import type * as LaterViews from './views.ts';

function content({ page, parameters }: Route): Content {
  switch (page) {
    case '':
      return h(Overview, {});
    case 'findings':
      return h(Findings, { parameters });
    case 'waiting':
      return h(Waiting, {});
    default:
      return h(Later, { page, parameters });
  }
}

let loaded: typeof LaterViews | undefined;

/** Loads the other views; at once if one of them is asked for, else when the first one is shown. */
async function loadViews(): Promise<typeof LaterViews> {
  loaded ??= await import('./views.ts');
  return loaded;
}

function Later({ page, parameters }: Route): Content {
  const [views, setViews] = useState(loaded);
  const [isMissing, setMissing] = useState(false);
  useEffect(() => {
    loadViews().then(
      (found) => setViews(found),
      () => setMissing(true),
    );
  }, []);
  if (views !== undefined) return laterContent(views, { page, parameters });
  if (!isMissing) return skeleton(8);
  const failure = new RequestFailed(
    0,
    'unreachable',
    'This view could not be loaded.',
    'The service may be restarting.',
  );
  return failed(failure, () => location.reload());
}

function laterContent(views: typeof LaterViews, { page, parameters }: Route): Content {
  switch (page) {
    case 'instances':
      return h(views.Instance, { parameters, key: parameters.join('/') });
    case 'runs':
      return parameters.length === 0 ? h(views.Runs, {}) : h(views.Run, { parameters, key: parameters[0] });
    case 'registry':
      return h(views.Registry, { parameters });
    case 'backups':
      return h(views.Backups, {});
    case 'memory':
      return h(views.Memory, {});
    case 'learning':
      return h(views.Learning, {});
    case 'service':
      return h(views.Service, {});
    default:
      return frame(
        'This page does not exist',
        'The address may be of another release.',
        html`<p>${link('To the overview', '')}</p>`,
      );
  }
}

function badge(page: string, { view }: Live): Content {
  if (view === null) return null;
  const number =
    page === 'waiting'
      ? waitingRuns(view).length
      : page === 'findings'
        ? view.findings.filter(({ goneAt }) => goneAt === null).length
        : 0;
  return number === 0 ? null : html`<span class="badge">${number}</span>`;
}

function navigation(current: string, live: Live, opened: boolean, toggle: () => void): Content {
  const leave = async () => {
    await postPlain('/logout').catch(() => undefined);
    signOut();
  };
  return html`<header class="side">
    <a class="brand" href=${addressOf('')}>problems</a>
    <button
      type="button"
      class="menu"
      aria-expanded=${opened ? 'true' : 'false'}
      aria-controls="pages"
      onClick=${toggle}
    >
      Menu
    </button>
    <nav id="pages" class=${opened ? 'opened' : null} aria-label="Pages">
      <ul>
        ${pages.map(([page, name]) => html`<li><a href=${addressOf(page)} aria-current=${page === current ? 'page' : null}>${name}${badge(page, live)}</a></li>`)}
      </ul>
      <div class="who">
        ${live.session === null ? null : html`<span class="note"><bdi>${live.session.name}</bdi>, ${live.session.readOnly ? 'read-only' : `may ${live.session.scope}`}</span>`}
        <button type="button" onClick=${leave}>Sign out</button>
      </div>
    </nav>
  </header>`;
}

/** Said once, when it changes: whether what is shown is still true. */
function connection({ connection: now, failure }: Live): Content {
  if (now !== 'lost') return null;
  return html`<p class="banner bad connection">
    ${mark('down')}<span
      ><b>The connection is lost.</b> What you see may be old.
      ${failure === null ? 'Connecting again.' : 'Trying again every few seconds.'}</span
    >
  </p>`;
}

function useRoute(): Route {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const follow = () => setHash(location.hash);
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  return routeOf(hash);
}

/** Moves the focus to the heading of a page that was opened by a link, as a browser does with a new document. */
function useFocusOnHeading(page: string): void {
  const first = useRef(true);
  useEffect(() => {
    if (first.current) {
      first.current = false;
      return;
    }
    scrollTo(0, 0);
    document.querySelector<HTMLElement>('h1')?.focus({ preventScroll: true });
  }, [page]);
}

function useTitle(page: string, { view }: Live): void {
  const name = pages.find(([one]) => one === page)?.[1] ?? 'Run';
  const down = view?.instances.filter(({ status }) => status === 'down').length ?? 0;
  useEffect(() => {
    document.title = `${down > 0 ? `(${down} down) ` : ''}${page === 'instances' ? 'Instance' : name} · problems`;
  }, [page, name, down]);
}

export function App(): Content {
  const live = useLive();
  const route = useRoute();
  const [opened, setOpened] = useState(false);
  const address = `${route.page}/${route.parameters.join('/')}`;
  useFocusOnHeading(route.page === 'registry' || route.page === 'findings' ? route.page : address);
  useTitle(route.page, live);
  useEffect(() => setOpened(false), [address]);
  const isShown = live.session !== null && live.view !== null;
  useEffect(() => {
    // What fails here is told when one of the views is opened.
    if (isShown) void loadViews().catch(() => undefined);
  }, [isShown]);
  if (live.connection === 'signed-out') return h(Login, {});
  const first = live.view === null && live.failure !== null;
  return html`<a
      class="skip"
      href="#content"
      onClick=${(event: Event) => {
        event.preventDefault();
        document.querySelector<HTMLElement>('h1')?.focus();
      }}
      >To the content</a
    >
    ${navigation(route.page, live, opened, () => setOpened(!opened))}
    <main id="content">
      <div role="status">${connection(live)}</div>
      ${first ? failed(live.failure, () => void refresh()) : isShown ? content(route) : skeleton(8)}
    </main>`;
}
