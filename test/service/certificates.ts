import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Certificates made by openssl, for real handshakes. */

export const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

export interface Pem {
  readonly cert: string;
  readonly key: string;
}

export interface Authority {
  /** Has `ca.pem`, and `<name>-cert.pem` and `<name>-key.pem` of each certificate. */
  readonly folder: string;
  /** PEM. */
  readonly ca: string;
  /** A certificate for 127.0.0.1 and `localhost`. @param days Negative: it has expired. */
  issue(name: string, days?: number): Pem;
  remove(): void;
}

const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'] as const;

export function authority(): Authority {
  const folder = mkdtempSync(join(tmpdir(), 'problems-ca-'));
  function openssl(...args: readonly string[]): void {
    execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
  }
  const read = (name: string) => readFileSync(join(folder, name), 'utf8');
  openssl('req', '-x509', ...curve, '-days', '2', '-subj', '/CN=authority', '-keyout', 'ca-key.pem', '-out', 'ca.pem');
  writeFileSync(join(folder, 'names'), 'subjectAltName=IP:127.0.0.1,DNS:localhost');
  return {
    folder,
    ca: read('ca.pem'),
    issue(name, days = 2) {
      const [cert, key] = [`${name}-cert.pem`, `${name}-key.pem`];
      openssl('req', ...curve, '-subj', `/CN=${name}`, '-keyout', key, '-out', 'request.pem');
      const by = ['-CA', 'ca.pem', '-CAkey', 'ca-key.pem', '-CAcreateserial', '-extfile', 'names'];
      openssl('x509', '-req', '-days', String(days), '-in', 'request.pem', ...by, '-out', cert);
      return { cert: read(cert), key: read(key) };
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
