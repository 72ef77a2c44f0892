import type { Instance } from '../instance.ts';
import type { Address } from './addresses.ts';

/**
 * Decides what a server gets to see of a password, as `require_auth` of libpq does. The driver answers whatever a server
 * asks for, so the question is judged before the driver sees it.
 * https://www.postgresql.org/docs/current/protocol-message-formats.html#PROTOCOL-MESSAGE-FORMATS-AUTHENTICATIONOK
 */
export interface Authentication {
  readonly hasPassword: boolean;
  /** Whether the server may ask for an MD5 hash, from which a password can be guessed quickly. */
  readonly md5: boolean;
}

/** Gets the code of each authentication message in turn, and what follows it. Returns why it is refused; undefined if it is not. */
export type AuthenticationCheck = (code: number, more: string) => string | undefined;

const codes = { ok: 0, clearText: 3, md5: 5, sasl: 10, saslContinue: 11, saslFinal: 12 };

/** For one connection. A server may ask once, and must end an exchange that it has begun. */
export function authenticationCheck({ hasPassword, md5 }: Authentication): AuthenticationCheck {
  let last: number | undefined;

  function faultOf(code: number, more: string): string | undefined {
    switch (code) {
      case codes.clearText:
        return 'The server asks for the password in clear text, so it was not sent.';
      case codes.md5:
      case codes.sasl:
        if (last !== undefined) return outOfTurn;
        if (!hasPassword) return 'The server asks for a password, and none is known for it.';
        return code === codes.md5 && !md5 ? md5Refused : undefined;
      case codes.saslContinue:
        return last === codes.sasl ? faultInIterations(more, md5) : outOfTurn;
      case codes.saslFinal:
        return last === codes.saslContinue ? undefined : outOfTurn;
      case codes.ok:
        // It asked for nothing, got an MD5 hash, or has proved that it knows the password too.
        return last === undefined || last === codes.md5 || last === codes.saslFinal ? undefined : outOfTurn;
      default:
        return `The server asks for an authentication that is not supported (${code}). Use scram-sha-256.`;
    }
  }

  return (code, more) => {
    const fault = faultOf(code, more);
    last = code;
    return fault;
  };
}

/** RFC 7677, 4, and the default of `scram_iterations`. With fewer, a server can guess the password quickly from the proof. */
const fewestIterations = 4_096;

/** About a second of work. A server that asks for more keeps the machine busy. */
const mostIterations = 1_000_000;

/** Of the first message of a server in SCRAM: `r=…,s=…,i=4096`. */
function faultInIterations(message: string, weak: boolean): string | undefined {
  const [, digits] = /(?:^|,)i=(\d{1,20})(?:,|$)/.exec(message) ?? [];
  const count = Number(digits);
  if (digits === undefined) return 'The server sent a message of SCRAM without a count of iterations.';
  if (count > mostIterations) return `The server asks for ${count} iterations of SCRAM, which are too many.`;
  if (count >= fewestIterations || weak) return undefined;
  return `The server asks for ${count} iterations of SCRAM, from which a password can be guessed quickly, so nothing was sent. Set scram_iterations to ${fewestIterations} or more and the password again, or add the instance to remediation.md5 in the config.`;
}

const outOfTurn = 'The server sent an authentication message out of turn.';

const md5Refused =
  'The server asks for an MD5 hash of the password, so it was not sent. Set the password again with password_encryption = scram-sha-256, or add the instance to remediation.md5 in the config.';

/**
 * The SQLSTATE of a refused login in what psql printed: it prints none, so the texts of English servers and of libpq have to tell.
 * Undefined: the connection failed for another reason.
 */
export function loginState(printed: string): '28P01' | '28000' | undefined {
  if (/password authentication failed for user|no password supplied/.test(printed)) return '28P01';
  return /no pg_hba\.conf entry for|pg_hba\.conf rejects connection|(?:Peer|Ident|LDAP|PAM|GSSAPI|certificate) authentication failed for user/i.test(
    printed,
  )
    ? '28000'
    : undefined;
}

/**
 * What you can do about a refused login, as whole sentences. `address` is where the server was asked, if anywhere but in its
 * container.
 */
export function adviceForLogin(sqlstate: string, { user, database, container }: Instance, address?: Address): string {
  if (sqlstate === '28P01')
    return address === undefined
      ? `Set the password of ${user} in the environment of ${container.name} or in its instance.conf: nothing else reaches a server that only its container can connect to.`
      : `Add its password to the passfile, in a line that begins with ${address.hosts[0] ?? address.host}:${address.port}:${database}:${user}:`;
  return `Allow it in pg_hba.conf, for example with a first line "local all ${user} scram-sha-256", and reload the server.`;
}
