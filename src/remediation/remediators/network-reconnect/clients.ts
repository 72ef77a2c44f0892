import { compareBy } from '../../../util/compare.ts';
import type { Container, Endpoint } from '../../../host/docker/types.ts';
import type { Instance } from '../../../host/instance.ts';
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
  ].sort(compareBy(({ source }) => source));
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

/** Networks as the containers on them see them: who is on which, and who answers to which name. */

/**
 * Only user-defined networks have names; the engine's own have none
 * (docs/engineering/networks.md#user-defined-networks).
 */
function isUserDefined({ network }: Pick<Endpoint, 'network'>): boolean {
  return network !== 'bridge' && network !== 'host' && network !== 'none';
}

/** Names of user-defined networks, sorted. */
export function networksOf(container: Container): readonly string[] {
  return container.endpoints
    .filter(isUserDefined)
    .map(({ network }) => network)
    .sort();
}

/** User-defined networks that both are on. */
export function commonNetworks(one: Container, other: Container): readonly string[] {
  const others = networksOf(other);
  return networksOf(one).filter((network) => others.includes(network));
}

/** What a container answers to on a user-defined network, in lower case. */
export function namesOn(container: Container, network: string): readonly string[] {
  const endpoint = container.endpoints.find((one) => one.network === network && isUserDefined(one));
  if (endpoint === undefined) return [];
  return [
    ...new Set([container.name, container.id.slice(0, 12), ...endpoint.aliases].map((name) => name.toLowerCase())),
  ];
}

/** On any of its networks. */
export function allNames(container: Container): readonly string[] {
  return [
    ...new Set([
      container.name.toLowerCase(),
      ...networksOf(container).flatMap((network) => namesOn(container, network)),
    ]),
  ];
}

/** Its own addresses, of every network. */
export function ownAddresses({ endpoints }: Container): readonly string[] {
  return endpoints.flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6]).filter((address) => address !== '');
}

/** Containers that run on the network and answer to the name there. */
export function answering(name: string, network: string, containers: readonly Container[]): readonly Container[] {
  return containers.filter(
    (container) => container.state.running && namesOn(container, network).includes(name.toLowerCase()),
  );
}

/** The container that has the address on one of these networks. */
export function holderOf(
  address: string,
  networks: readonly string[],
  containers: readonly Container[],
): Container | undefined {
  return containers.find(
    ({ state, endpoints }) =>
      state.running &&
      endpoints.some(({ network, ipv4, ipv6 }) => networks.includes(network) && (ipv4 === address || ipv6 === address)),
  );
}

/** Whether the client has no place of its own on any network: the engine connects nothing like that. */
export function borrowsNetwork({ networkMode }: Container): boolean {
  return networkMode === 'host' || networkMode === 'none' || networkMode.startsWith('container:');
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '0.0.0.0' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

export function isAddress(host: string): boolean {
  return /^\d{1,3}(?:\.\d{1,3}){3}$/.test(host) || host.includes(':');
}

/** A container that uses an instance, by one address. */
export interface Client {
  readonly container: Container;
  readonly instance: Instance;
  readonly address: Address;
  /** The web GUI that the managed system makes for this instance. */
  readonly gui: boolean;
}

/** What the engine and the instances are, as they were looked at. */
export interface World {
  readonly instances: readonly Instance[];
  readonly containers: readonly Container[];
}

const guiName = /vrooli-pgweb-(.+)$/;

/** The GUI's container name that goes with an instance's: `vrooli-postgres-orders` → `vrooli-pgweb-orders`. */
function guiNameOf({ container }: Pick<Instance, 'container'>): string | undefined {
  return container.name.includes('vrooli-postgres-')
    ? container.name.replace('vrooli-postgres-', 'vrooli-pgweb-')
    : undefined;
}

/**
 * Which instance each running container uses: a GUI by its name, everything else by the host that it was told. Helpers
 * of the program and containers kept aside are no clients. Sorted by container, instance and source.
 */
export function clientsOf({ instances, containers }: World): readonly Client[] {
  return containers
    .filter(isClientAtAll)
    .flatMap((container) => addressesOf(container).flatMap((address) => ofAddress(container, address, instances)))
    .sort(compareBy(keyOf));
}

function isClientAtAll({ name, labels, state }: Container): boolean {
  const ours = ['problems.helper', 'problems.aside'].some((label) => Object.hasOwn(labels, label));
  return state.running && !ours && !name.includes('.pgops-old-');
}

function ofAddress(container: Container, address: Address, instances: readonly Instance[]): readonly Client[] {
  const others = instances.filter((instance) => instance.container.id !== container.id);
  const gui = others.filter((instance) => guiNameOf(instance) === container.name);
  if (gui.length > 0) return gui.map((instance) => ({ container, instance, address, gui: true }));
  // A GUI of somebody else's instance, or an instance's own settings.
  if (guiName.test(container.name) || others.length < instances.length) return [];
  return meant(container, address, others).map((instance) => ({ container, instance, address, gui: false }));
}

/** Several where the same name stands for several on one network: whose client it is then is the trouble itself. */
function meant(client: Container, { host, port }: Address, instances: readonly Instance[]): readonly Instance[] {
  if (isLoopback(host)) {
    const published = instances.filter(({ container }) =>
      container.portBindings.some(({ hostPort }) => hostPort === String(port)),
    );
    return published.length === 1 ? published : [];
  }
  const named = instances.filter(
    ({ container }) => allNames(container).includes(host) || ownAddresses(container).includes(host),
  );
  const near = named.filter(({ container }) =>
    networksOf(client).some((network) => namesOn(container, network).includes(host)),
  );
  if (near.length > 0) return near;
  return named.length === 1 ? named : [];
}

function keyOf({ container, instance, address }: Client): string {
  return [container.name, instance.name, address.source].join('\0');
}

/**
 * What libpq or the server says to a client. Texts: docs/engineering/networks.md#messages-in-the-client; libpq's own
 * are in English in a container of ours.
 */
export type Answer =
  | 'no-such-name'
  | 'refused'
  | 'no-answer'
  | 'starting'
  | 'hba-refused'
  | 'tls-refused'
  | 'password-refused'
  | 'database-missing'
  /** The server answers and refuses for another reason, such as too many clients: the network is sound. */
  | 'other-refusal'
  | 'unknown';

const texts: readonly (readonly [Answer, RegExp])[] = [
  ['hba-refused', /no pg_hba\.conf entry for (?:host|replication)|pg_hba\.conf rejects (?:connection|replication)/],
  [
    'tls-refused',
    /server does not support SSL, but SSL was required|SSL error:|sslmode value .* invalid when SSL support/,
  ],
  ['password-refused', /password authentication failed for user|no password supplied|authentication failed for user/],
  ['database-missing', /FATAL: {1,2}database ".*" does not exist/],
  ['starting', /the database system is (?:starting up|not yet accepting connections|in recovery mode)/],
  ['other-refusal', /FATAL: {1,2}/],
  ['no-such-name', /could not translate host name/],
  // A proxy that takes connections for a server that is not there closes them at once.
  ['refused', /Connection refused|server closed the connection unexpectedly|Connection reset by peer/],
  ['no-answer', /timeout expired|No route to host|Network is unreachable|Host is unreachable|Connection timed out/],
  // `FATAL` in the server's own language.
  ['other-refusal', /port \d+ failed: \S+: {1,2}\S/],
];

export function clientErrorOf(message: string): Answer {
  return texts.find(([, text]) => text.test(message))?.[0] ?? 'unknown';
}

/** The codes that belong to these texts; psql does not print them for a connection that it did not get. */
export function sqlstateOf(answer: Answer): string | undefined {
  switch (answer) {
    case 'hba-refused':
      return '28000';
    case 'password-refused':
      return '28P01';
    case 'database-missing':
      return '3D000';
    case 'starting':
      return '57P03';
    default:
      return undefined;
  }
}
