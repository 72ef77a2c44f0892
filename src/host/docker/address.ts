import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ProblemsError } from '../../errors.ts';
import { errorText } from '../../util/text.ts';

/** Where the Docker Engine listens, read from the environment variables that Docker's own client reads. */
export interface EngineAddress {
  /** As DOCKER_HOST gives it: `unix:///var/run/docker.sock`, `tcp://…`. */
  readonly text: string;
  /** The engine runs on this machine. */
  readonly local: boolean;
  /** The machine whose ports the engine publishes. */
  readonly hostname: string;
  /**
   * Reads the certificates, if any. Does not connect.
   * @throws ProblemsError `bad-usage`: DOCKER_HOST or DOCKER_CERT_PATH cannot be used.
   */
  connection(): Promise<EngineConnection>;
}

export interface EngineConnection {
  readonly secure: boolean;
  readonly options: Pick<RequestOptions, 'socketPath' | 'host' | 'port' | 'ca' | 'cert' | 'key'>;
  /** Goes before the path of each request; without a trailing slash. */
  readonly basePath: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** An engine that a config names, instead of that of the environment. */
export interface EngineChoice {
  /** As DOCKER_HOST: `unix:///var/run/docker.sock`, `tcp://host:2376`. */
  readonly host: string;
  /** Absolute: the folder of `ca.pem`, `cert.pem` and `key.pem`. With it, TLS is used. */
  readonly certificates?: string | undefined;
}

/** The variables that make Docker's own clients, and `engineAddress`, use this engine and no other. */
export function engineEnvironment(chosen: EngineChoice): Readonly<Record<string, string>> {
  return {
    DOCKER_HOST: chosen.host,
    DOCKER_CERT_PATH: chosen.certificates ?? '',
    DOCKER_TLS_VERIFY: chosen.certificates === undefined ? '' : '1',
  };
}

/**
 * Accepts `unix://PATH`, `npipe://PATH`, `tcp://HOST:PORT`, `http://…`, `https://…` and `HOST:PORT`. TLS is used with
 * `https`, with port 2376, and if DOCKER_TLS_VERIFY is set; DOCKER_CERT_PATH names the folder of `ca.pem`, `cert.pem` and
 * `key.pem`. Default: the socket of Docker Desktop in the home folder, else the usual socket or pipe.
 */
export function engineAddress(environment: Environment = process.env): EngineAddress {
  const text = environment['DOCKER_HOST'] || defaultAddress();
  const socket = /^(?:unix|npipe):\/\/(.*)$/.exec(text);
  if (socket !== null) return socketAddress(text, socket[1] ?? '');
  const url = URL.parse(text.includes('://') ? text : `tcp://${text}`);
  // Brackets belong to the URL, not to the address.
  const hostname = url?.hostname.replace(/^\[(.*)\]$/, '$1') ?? '';
  return {
    text,
    local: false,
    hostname,
    async connection() {
      if (url === null || hostname === '' || !['tcp:', 'http:', 'https:'].includes(url.protocol))
        throw unusable(text, url?.protocol ?? '');
      const isVerified = (environment['DOCKER_TLS_VERIFY'] ?? '') !== '';
      const secure = url.protocol === 'https:' || url.port === '2376' || isVerified;
      return {
        secure,
        options: {
          host: hostname,
          port: url.port || defaultPort(url.protocol, secure),
          ...(secure ? await certificates(environment['DOCKER_CERT_PATH']) : {}),
        },
        basePath: url.pathname.replace(/\/+$/, ''),
      };
    },
  };
}

function socketAddress(text: string, path: string): EngineAddress {
  const socketPath = path === '' ? defaultAddress().replace(/^\w+:\/\//, '') : path;
  return {
    text,
    local: true,
    hostname: 'localhost',
    connection: async () => ({ secure: false, options: { socketPath }, basePath: '' }),
  };
}

function defaultAddress(): string {
  if (process.platform === 'win32') return 'npipe:////./pipe/docker_engine';
  const desktop = join(homedir(), '.docker', 'run', 'docker.sock');
  return `unix://${existsSync(desktop) ? desktop : '/var/run/docker.sock'}`;
}

/** URLs leave out the port that HTTP and HTTPS use by default. */
function defaultPort(protocol: string, secure: boolean): string {
  if (protocol === 'tcp:') return secure ? '2376' : '2375';
  return protocol === 'https:' ? '443' : '80';
}

async function certificates(
  folder: string | undefined,
): Promise<Pick<RequestOptions, 'ca' | 'cert' | 'key'> | undefined> {
  if (folder === undefined || folder === '') return undefined;
  try {
    // One after the other, so that the error always names the same file.
    const ca = await readFile(join(folder, 'ca.pem'));
    const cert = await readFile(join(folder, 'cert.pem'));
    return { ca, cert, key: await readFile(join(folder, 'key.pem')) };
  } catch (error) {
    throw new ProblemsError('bad-usage', `Cannot read the certificates in DOCKER_CERT_PATH: ${errorText(error)}`, {
      hint: 'The folder must contain ca.pem, cert.pem and key.pem.',
      cause: error,
    });
  }
}

function unusable(text: string, protocol: string): ProblemsError {
  if (protocol === 'ssh:')
    return new ProblemsError('bad-usage', `DOCKER_HOST=${text}: connections over SSH are not supported.`, {
      hint: 'Forward the socket with `ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock USER@HOST`, then set DOCKER_HOST=unix:///tmp/docker.sock.',
    });
  return new ProblemsError('bad-usage', `DOCKER_HOST=${text} is not an address of a Docker Engine.`, {
    hint: 'Use unix:///path/to/socket or tcp://host:port.',
  });
}
