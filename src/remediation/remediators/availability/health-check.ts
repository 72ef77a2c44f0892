import type { Instance } from '../../../host/instance.ts';
import { get, getArray, getString, getStrings, type Json } from '../../../util/json.ts';
import { shellQuote } from '../../../util/quote.ts';

/** What the engine tells of a health check that fails. */
export interface FailedCheck {
  /** As configured: `CMD-SHELL pg_isready -U app`. At most 300 characters. */
  readonly test: string;
  /** The last line that it printed; empty if it printed nothing. At most 300 characters. */
  readonly output: string;
  /** Why the check is wrong and the server is not; undefined if its output does not tell. */
  readonly mistake: string | undefined;
}

/** Texts of libpq, pg_isready, shells and the engine, and what is wrong with a check that ends with them. */
const mistakes: readonly (readonly [words: RegExp, says: string])[] = [
  [/role "[^"]*" does not exist/, 'it logs in as a role that does not exist'],
  [/database "[^"]*" does not exist/, 'it asks for a database that does not exist'],
  [/password authentication failed|no password supplied|fe_sendauth/, 'its password is wrong or missing'],
  [/no pg_hba\.conf entry/, 'pg_hba.conf does not let it in'],
  [/relation "[^"]*" does not exist/, 'it reads a table that does not exist'],
  [/: not found$|command not found|executable file not found/, 'the image has no such program'],
];

/** No answer tells of a mistake only if the check names an address: the server may have been down for a moment. */
const unreached = /no response|Connection refused|could not translate host name|connection to server on socket/;

const namesAddress = /(?:^|\s)(?:-[hp]|--(?:host|port))|\b(?:host|port|PGHOST|PGPORT)=|:\/\//;

/** Reads the check of a container whose server answers. Pure: from the engine's answer, which the image's programs write. */
export function failedCheck(inspect: Json): FailedCheck {
  const output = lastOutput(inspect);
  const test = getStrings(inspect, 'Config', 'Healthcheck', 'Test').join(' ').slice(0, 300);
  const asksElsewhere = unreached.test(output) && namesAddress.test(test);
  return {
    test,
    output,
    mistake:
      mistakes.find(([words]) => words.test(output))?.[1] ??
      (asksElsewhere ? 'no server listens at the address that it asks' : undefined),
  };
}

function lastOutput(inspect: Json): string {
  const last = getArray(inspect, 'State', 'Health', 'Log').findLast((one) => get(one, 'ExitCode') !== 0);
  const lines = getString(last ?? null, 'Output')
    .slice(0, 4_096)
    .trim()
    .split('\n');
  return (lines.findLast((line) => mistakes.some(([words]) => words.test(line))) ?? lines.at(-1) ?? '')
    .trim()
    .slice(0, 300);
}

/** The check that asks this server what it has: through TCP, since the socket answers while an image initialises its data. */
export function rightCheck({ port, user, database }: Pick<Instance, 'port' | 'user' | 'database'>): string {
  return `pg_isready -h 127.0.0.1 -p ${port} -U ${shellQuote(user)} -d ${shellQuote(database)}`;
}
