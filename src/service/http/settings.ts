import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { isAbsolute } from 'node:path';
import { ProblemsError } from '../../errors.ts';
import type { OperationSettings } from '../operations/context.ts';

export interface HttpSettings {
  /** `127.0.0.1:4817`, the default; `[::1]:4817`; `unix:/run/problems.sock`. Port 0: any that is free. */
  readonly listen?: string | undefined;
  /** Allows an address that other machines reach, if there is `tls` or `proxy` as well. */
  readonly allowRemote?: boolean | undefined;
  /** PEM. */
  readonly tls?: { readonly key: string; readonly cert: string } | undefined;
  /** The origin by which browsers reach the proxy in front: `https://problems.example.org`. */
  readonly proxy?: string | undefined;
  /** No route that changes anything exists. */
  readonly readOnly?: boolean | undefined;
  /** The project whose registries are read. */
  readonly project: OperationSettings['project'];
  /** Folder with the files of the page. Default: no page. */
  readonly pageFolder?: string | undefined;
  /** The text of /metrics. Default: there is none. */
  readonly metrics?: (() => Promise<string>) | undefined;
  /** How long a request may take to arrive, in milliseconds. Default 10,000 for its head, 30,000 in all. */
  readonly patienceMs?: number | undefined;
  /** Default: the system clock. */
  readonly now?: (() => Date) | undefined;
  /** Called with mistakes of ours: the client is told no more than that there was one. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

export type Place =
  | { readonly type: 'socket'; readonly path: string }
  | { readonly type: 'port'; readonly host: string; readonly port: number; readonly isLoopback: boolean };

const usual = '127.0.0.1:4817';

/**
 * Where the service listens.
 * @throws ProblemsError `bad-usage`: it cannot be read; other machines would reach it, and that is not allowed, or would not be
 * encrypted.
 */
export function placeOf({ listen = usual, allowRemote = false, tls, proxy }: HttpSettings): Place {
  if (proxy !== undefined) originOf(proxy);
  if (listen.startsWith('unix:')) {
    const path = listen.slice('unix:'.length);
    if (!isAbsolute(path)) throw badListen(listen);
    return { type: 'socket', path };
  }
  const [, bracketed, plain, digits = ''] = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]+)):(\d{1,5})$/i.exec(listen) ?? [];
  const host = bracketed ?? plain ?? '';
  const port = Number(digits);
  if (digits === '' || port > 65_535 || (isIP(host) === 0 && host !== 'localhost')) throw badListen(listen);
  const isLoopback = host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
  if (!isLoopback && !allowRemote)
    throw new ProblemsError('bad-usage', `Other machines would reach ${listen}.`, {
      hint: 'Listen on 127.0.0.1, or allow it with --allow-remote and TLS or a proxy.',
    });
  if (!isLoopback && tls === undefined && proxy === undefined)
    throw new ProblemsError('bad-usage', `Tokens would cross the network unencrypted at ${listen}.`, {
      hint: 'Give a key and a certificate, or name the proxy with TLS that is in front.',
    });
  return { type: 'port', host, port, isLoopback };
}

function badListen(listen: string): ProblemsError {
  return new ProblemsError('bad-usage', `Invalid address ${listen}.`, {
    hint: 'Use 127.0.0.1:4817, [::1]:4817 or unix:/run/problems.sock.',
  });
}

function originOf(proxy: string): URL {
  const url = URL.canParse(proxy) ? new URL(proxy) : undefined;
  const isOrigin = url !== undefined && url.pathname === '/' && url.search === '' && url.username === '';
  if (isOrigin && (url.protocol === 'https:' || url.protocol === 'http:')) return url;
  throw new ProblemsError('bad-usage', `Invalid origin of a proxy: ${proxy}.`, {
    hint: 'Use the address that browsers show, such as https://problems.example.org.',
  });
}

/** By which names the service is reached. */
export interface OwnNames {
  readonly isOwnHost: (host: string | undefined) => boolean;
  readonly isOwnOrigin: (origin: string) => boolean;
  /** For links, without a slash at the end. */
  readonly url: string;
}

/**
 * The names that a request may use. A page of another site that makes its own name lead here, DNS rebinding, still sends
 * its name as Host.
 * @param port The port that is listened on.
 */
export function ownNames(place: Place, { tls, proxy }: HttpSettings, port: number): OwnNames {
  const behind = proxy === undefined ? undefined : originOf(proxy);
  const scheme = tls === undefined ? 'http' : 'https';
  const certificate = tls === undefined ? undefined : new X509Certificate(tls.cert);
  const shown = place.type === 'port' ? (place.host.includes(':') ? `[${place.host}]` : place.host) : 'localhost';
  const names = new Set(['localhost', '127.0.0.1', '[::1]', shown]);

  function isOwn(url: URL): boolean {
    if (behind !== undefined && url.host === behind.host) return true;
    if (place.type === 'port' && Number(url.port || (scheme === 'https' ? 443 : 80)) !== port) return false;
    const bare = url.hostname.replace(/^\[(.*)\]$/, '$1');
    return (
      names.has(url.hostname) ||
      (certificate !== undefined &&
        (isIP(bare) === 0 ? certificate.checkHost(bare) : certificate.checkIP(bare)) !== undefined)
    );
  }
  return {
    isOwnHost(host) {
      if (host === undefined || !/^[\w.[\]:-]{1,255}$/.test(host)) return false;
      const address = `${scheme}://${host}`;
      return URL.canParse(address) && isOwn(new URL(address));
    },
    isOwnOrigin(origin) {
      if (!URL.canParse(origin)) return false;
      const url = new URL(origin);
      if (behind !== undefined && url.origin === behind.origin) return true;
      return url.protocol === `${scheme}:` && url.origin === origin && isOwn(url);
    },
    url: behind?.origin ?? (place.type === 'socket' ? `unix:${place.path}` : `${scheme}://${shown}:${port}`),
  };
}
