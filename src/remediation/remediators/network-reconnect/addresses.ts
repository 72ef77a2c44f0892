import type { Container } from '../../../host/docker/types.ts';
import {
  connectionOf,
  type ConnectionText,
  parseConnectionText,
  splitAuthority,
} from '../../../postgres/connection-string.ts';

/** A database that a container was told to use, and where it was told. */
export interface Address extends ConnectionText {
  /** The variable, or `command line`: what a person has to change, and how the address is found again. */
  readonly source: string;
}

/** More than anybody sets; the rest is not read. */
const mostVariables = 1_000;

/**
 * Where a container looks for PostgreSQL, by its environment and its command line. Read as data: nothing is expanded or
 * executed. Sorted by source, the same address once.
 */
export function addressesOf({
  env,
  command,
  entrypoint,
}: Pick<Container, 'env' | 'command' | 'entrypoint'>): readonly Address[] {
  const variables = Object.entries(env).slice(0, mostVariables);
  const found = [
    ...variables.flatMap(([source, value]) => withSource(source, parseConnectionText(value))),
    ...familiesIn(new Map(variables)),
    ...fromArguments([...entrypoint, ...command]),
  ].sort((a, b) => (a.source < b.source ? -1 : 1));
  return found.filter((one, index) => found.findIndex((other) => isSame(one, other)) === index);
}

/** `PGHOST`, `DB_HOST`, `POSTGRES_HOSTNAME`, `APP_DATABASE_SERVER`: a host whose name says what is there. */
const hostVariable =
  /^((?:\w{0,60}_)?(?:PG|POSTGRES|POSTGRESQL|POSTGRESDB|DB|DATABASE)_?)(?:HOST|HOSTNAME|HOSTADDR|SERVER|ADDR)$/;

function familiesIn(env: ReadonlyMap<string, string>): readonly Address[] {
  return [...env].flatMap(([source, value]) => {
    const prefix = hostVariable.exec(source)?.[1];
    if (prefix === undefined || value.includes('://')) return [];
    const pick = (...names: readonly string[]) =>
      names.map((name) => env.get(prefix + name)).find((one) => one !== undefined);
    const [host, port] = splitAuthority(value);
    return withSource(
      source,
      connectionOf({
        host,
        port: port ?? pick('PORT'),
        user: pick('USER', 'USERNAME'),
        password: pick('PASSWORD', 'PASS'),
        database: pick('DATABASE', 'NAME', 'DBNAME', 'DB'),
        sslMode: pick('SSLMODE'),
      }),
    );
  });
}

/** A URL anywhere, and `--host db --port 5432` as pgweb and psql take it. */
function fromArguments(words: readonly string[]): readonly Address[] {
  const source = 'command line';
  const urls = words.flatMap((word) => withSource(source, parseConnectionText(word.replace(/^--?[\w-]{1,40}=/, ''))));
  const host = option(words, 'host');
  if (urls.length > 0 || host === undefined) return urls;
  return withSource(
    source,
    connectionOf({
      host,
      port: option(words, 'port'),
      user: option(words, 'user') ?? option(words, 'username'),
      password: option(words, 'pass'),
      database: option(words, 'db') ?? option(words, 'dbname'),
      sslMode: option(words, 'ssl'),
    }),
  );
}

function option(words: readonly string[], name: string): string | undefined {
  const at = words.findIndex((word) => word === `--${name}` || word.startsWith(`--${name}=`));
  const word = words[at];
  if (word === undefined) return undefined;
  return word === `--${name}` ? words[at + 1] : word.slice(name.length + 3);
}

function withSource(source: string, connection: ConnectionText | undefined): readonly Address[] {
  return connection === undefined ? [] : [{ ...connection, source }];
}

function isSame(a: Address, b: Address): boolean {
  return a.host === b.host && a.port === b.port && a.user === b.user && a.database === b.database;
}
