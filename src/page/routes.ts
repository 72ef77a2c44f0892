import { type Content, html } from './elements.ts';

/** Pages are fragments of one address, so the server has one file to answer with. */
export interface Route {
  readonly page: string;
  readonly parameters: readonly string[];
}

export const pages = [
  ['', 'Overview'],
  ['findings', 'Findings'],
  ['waiting', 'Waiting for you'],
  ['runs', 'Runs'],
  ['registry', 'Registry'],
  ['backups', 'Backups'],
  ['memory', 'Memory'],
  ['learning', 'Learning'],
  ['service', 'Service'],
] as const;

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** `#/instances/local/orders` as its page and parameters. */
export function routeOf(hash: string): Route {
  const [page = '', ...parameters] = hash
    .replace(/^#?\/?/, '')
    .split('/')
    .map(decoded);
  return { page, parameters };
}

export function addressOf(page: string, ...parameters: readonly string[]): string {
  return `#/${[page, ...parameters].map(encodeURIComponent).join('/')}`;
}

export function link(content: Content, page: string, ...parameters: readonly string[]): Content {
  return html`<a href=${addressOf(page, ...parameters)}>${content}</a>`;
}

export function instanceLink({ engine, instance }: { readonly engine: string; readonly instance: string }): Content {
  return link(html`<bdi>${instance}</bdi>`, 'instances', engine, instance);
}

/** The frame of a page: its heading, which takes the focus when the page is opened, and what it says first. */
export function frame(title: Content, lead: Content, body: Content, aside?: Content): Content {
  return html`<header class="top">
      <div>
        <h1 tabindex="-1">${title}</h1>
        ${lead === null ? null : html`<p class="lead">${lead}</p>`}
      </div>
      ${aside === undefined ? null : html`<div class="aside">${aside}</div>`}
    </header>
    ${body}`;
}
