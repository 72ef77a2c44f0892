import { once } from 'node:events';
import { cpSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { createServer, request, type RequestOptions, type Server } from 'node:https';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { loadConfig } from '../../src/config/config.ts';
import { createEngine, engineOpener, reasonOf, type ServiceEngine } from '../../src/service/engines.ts';
import { reachOf } from '../../src/service/reach.ts';
import { serviceSettings } from '../../src/service/settings.ts';
import { type Authority, authority, hasOpenssl, type Pem } from './certificates.ts';
import { scratchFolder, servedService } from './running-service.ts';

/** Sends a request over TLS; rejects with the error of the handshake. */
async function ask(
  url: string,
  options: RequestOptions = {},
): Promise<{ status: number | undefined; protocol: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number | undefined; protocol: string }>();
  request(url, { agent: false, ...options }, (response) => {
    const { socket } = response;
    const protocol = 'getProtocol' in socket && typeof socket.getProtocol === 'function' ? socket.getProtocol() : '';
    response.resume().once('end', () => resolve({ status: response.statusCode, protocol: String(protocol) }));
  })
    .once('error', reject)
    .end();
  return promise;
}

describe.skipIf(!hasOpenssl)('over TLS', () => {
  let ours: Authority;
  let stranger: Authority;
  beforeAll(() => {
    ours = authority();
    stranger = authority();
  });
  afterAll(() => {
    ours.remove();
    stranger.remove();
  });

  describe('the service', () => {
    /** Serves with what the config names, as `problems serve` does. */
    async function served(certificate: Pem) {
      writeFileSync(join(ours.folder, 'used-cert.pem'), certificate.cert);
      writeFileSync(join(ours.folder, 'used-key.pem'), certificate.key);
      const section = { tls: { certificate: 'used-cert.pem', key: 'used-key.pem' } };
      writeFileSync(join(ours.folder, 'problems.config.json'), JSON.stringify({ service: section }));
      const reach = reachOf(await loadConfig(ours.folder, { trust: 'given' }));
      const service = await servedService({ http: { ...reach, listen: '0.0.0.0:0', allowRemote: true } });
      const url = service.http.url.replace('0.0.0.0', '127.0.0.1');
      return { ...service, url, [Symbol.asyncDispose]: () => service.close() };
    }

    it('answers those who trust its authority, with TLS 1.2 or later', async () => {
      await using service = await served(ours.issue('server'));
      expect(service.url).toMatch(/^https:/);
      const headers = { authorization: `Bearer ${service.tokens.read}` };
      const view = `${service.url}/api/v1/view`;
      expect(await ask(view, { ca: ours.ca, headers })).toEqual({ status: 200, protocol: 'TLSv1.3' });
      expect(await ask(view.replace('127.0.0.1', 'localhost'), { ca: ours.ca, headers })).toMatchObject({
        status: 200,
      });
      expect(await ask(view, { ca: ours.ca })).toMatchObject({ status: 401 });
      expect(await ask(view, { ca: ours.ca, headers, maxVersion: 'TLSv1.2' })).toMatchObject({ protocol: 'TLSv1.2' });
      await expect(ask(view, { ca: ours.ca, maxVersion: 'TLSv1.1', minVersion: 'TLSv1' })).rejects.toThrow(/protocol/i);
      await expect(fetch(view.replace('https:', 'http:'))).rejects.toThrow('fetch failed');
      expect(
        await ask(view, { ca: ours.ca, servername: 'localhost', headers: { ...headers, host: 'evil.example' } }),
      ).toMatchObject({
        status: 403,
      });
    });

    it('is refused by those who do not, and when its certificate has expired', async () => {
      await using service = await served(ours.issue('server'));
      await expect(ask(service.url, { ca: stranger.ca })).rejects.toMatchObject({
        code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      });
      await using old = await served(ours.issue('old', -1));
      await expect(ask(old.url, { ca: ours.ca })).rejects.toMatchObject({ code: 'CERT_HAS_EXPIRED' });
    });

    it('does not start with the key of another certificate, or with none', async () => {
      await expect(served({ ...ours.issue('a'), key: ours.issue('b').key })).rejects.toMatchObject({
        code: 'bad-config',
        message: 'service.tls cannot be used: the key is of another certificate.',
      });
      await expect(served({ ...ours.issue('a'), cert: 'no certificate' })).rejects.toMatchObject({
        code: 'bad-config',
      });
    });
  });

  describe('a Docker engine', () => {
    let engines: (ServiceEngine | Server)[] = [];
    afterEach(() => {
      for (const one of engines) one.close();
      engines = [];
      vi.unstubAllEnvs();
    });

    /** An engine that knows nothing but itself, and whom it lets in. */
    async function serve(certificate: Pem): Promise<string> {
      const server = createServer(
        { ...certificate, ca: ours.ca, requestCert: true, rejectUnauthorized: true },
        (asked, answer) => {
          const body =
            asked.url?.endsWith('/info') === true ? { ID: 'far', NCPU: 2 } : { ApiVersion: '1.41', Version: '20' };
          answer.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
        },
      );
      engines.push(server);
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const address = server.address();
      return `tcp://127.0.0.1:${typeof address === 'object' ? (address?.port ?? 0) : 0}`;
    }

    /** A folder as Docker's client takes it: the authority it trusts, and its own certificate. */
    function clientFolder(name: string, trusted: Authority, own: Authority): string {
      const folder = join(ours.folder, name);
      mkdirSync(folder);
      own.issue(name);
      for (const part of ['cert', 'key'])
        renameSync(join(own.folder, `${name}-${part}.pem`), join(folder, `${part}.pem`));
      cpSync(join(trusted.folder, 'ca.pem'), join(folder, 'ca.pem'));
      return folder;
    }

    /** The id of the engine as the service learns it, or why it cannot. */
    async function idOf(host: string, certificates: string): Promise<string> {
      vi.stubEnv('PROBLEMS_STATE', '');
      const scratch = await scratchFolder();
      try {
        const section = { engines: [{ name: 'far', host, certificates }] };
        writeFileSync(join(scratch.path, 'problems.config.json'), JSON.stringify({ service: section }));
        const config = await loadConfig(scratch.path, { trust: 'given' });
        const [settings] = serviceSettings(config).engines;
        if (settings === undefined) throw new Error('there is no engine');
        const engine = createEngine(
          settings,
          engineOpener(config, 'far', () => new Date()),
          undefined,
        );
        engines.push(engine);
        const { session } = await engine.remediation();
        return (await session.reader.docker.info()).id;
      } catch (error) {
        return reasonOf(error, undefined);
      } finally {
        await scratch.remove();
      }
    }

    it('is asked with the certificates that the config names', async () => {
      expect(await idOf(await serve(ours.issue('engine')), clientFolder('client', ours, ours))).toBe('far');
    });

    it('is not believed if another authority vouches for it, or its certificate has expired', async () => {
      const folder = clientFolder('wary', stranger, ours);
      expect(await idOf(await serve(ours.issue('engine')), folder)).toMatch(
        /certificate in certificate chain|unable to verify/,
      );
      const trusting = clientFolder('trusting', ours, ours);
      expect(await idOf(await serve(ours.issue('expired', -1)), trusting)).toMatch(/certificate has expired/);
    });

    it('lets nobody in whose certificate is of another authority', async () => {
      const folder = clientFolder('foreign', ours, stranger);
      expect(await idOf(await serve(ours.issue('engine')), folder)).toMatch(/alert|ECONNRESET|socket hang up/i);
    });
  });
});
