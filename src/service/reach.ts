import { createPrivateKey, X509Certificate } from 'node:crypto';
import { resolve } from 'node:path';
import type { Config } from '../config/config.ts';
import { ProblemsError } from '../errors.ts';
import { readTextIfPossible } from '../read-file.ts';
import { errorText } from '../util/text.ts';
import type { HttpSettings } from './http/settings.ts';

/** A chain of certificates is shorter. */
const longest = 1_024 * 1_024;

/**
 * How others reach the service, from the section `service` of the config: its certificate, or the proxy in front. Paths are
 * relative to the config.
 * @throws ProblemsError `bad-config`: the certificate or its key cannot be read, or one does not belong to the other.
 */
export function reachOf({ service, folder, file }: Config): Pick<HttpSettings, 'tls' | 'proxy'> {
  const { tls, proxy } = service;
  if (tls === undefined) return { proxy };
  const cert = readPem(folder, tls.certificate, 'certificate');
  const key = readPem(folder, tls.key, 'key');
  try {
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
      throw new Error('the key is of another certificate');
  } catch (cause) {
    throw new ProblemsError('bad-config', `service.tls cannot be used: ${errorText(cause)}.`, {
      hint: `${file ?? 'The config'} must name a certificate and its key in PEM, the key without a passphrase.`,
      cause,
    });
  }
  return { tls: { cert, key }, proxy };
}

function readPem(folder: string, path: string, what: 'certificate' | 'key'): string {
  const text = readTextIfPossible(resolve(folder, path), { most: longest });
  if (text !== undefined) return text;
  throw new ProblemsError('bad-config', `service.tls.${what}: ${path} cannot be read.`, {
    hint: 'It must be a regular file in PEM that this user may read.',
  });
}
