import { projectNameOf } from '../../../compose/project.ts';
import { compareBy } from '../../../util/compare.ts';
import type { Container, Endpoint } from '../../../host/docker/types.ts';
import type { Instance } from '../../../host/instance.ts';
import {
  connectionOf,
  type ConnectionText,
  parseConnectionText,
  splitAuthority,
} from '../../../postgres/connection-string.ts';

/** The address of a database in a container's configuration, and where it is set. */
export interface Address extends ConnectionText {
  /** The variable, or `command line`: what to change, and how to find the address again. */
  readonly source: string;
}

/** More than any real container sets; the rest is ignored. */
const mostVariables = 1_000;

/**
 * The PostgreSQL addresses in a container's environment and command line. Parsed as data: nothing is expanded or executed.
 * Sorted by source, without duplicates.
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

/** `PGHOST`, `DB_HOST`, `POSTGRES_HOSTNAME`, `APP_DATABASE_SERVER`: variables whose name says that the value is a database host. */
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

/** A URL anywhere, and `--host db --port 5432` as for pgweb and psql. */
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

/** Networks as containers see them: which containers are on which network, and their names there. */

/**
 * Only user-defined networks have DNS; the predefined ones have not
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

/** User-defined networks that both containers are on. */
export function commonNetworks(one: Container, other: Container): readonly string[] {
  const others = networksOf(other);
  return networksOf(one).filter((network) => others.includes(network));
}

/** The names of a container on a user-defined network, in lower case. */
export function namesOn(container: Container, network: string): readonly string[] {
  const endpoint = container.endpoints.find((one) => one.network === network && isUserDefined(one));
  if (endpoint === undefined) return [];
  return [
    ...new Set([container.name, container.id.slice(0, 12), ...endpoint.aliases].map((name) => name.toLowerCase())),
  ];
}

/** The names of a container on all of its networks. */
export function allNames(container: Container): readonly string[] {
  return [
    ...new Set([
      container.name.toLowerCase(),
      ...networksOf(container).flatMap((network) => namesOn(container, network)),
    ]),
  ];
}

/** The addresses of a container on all networks. */
export function ownAddresses({ endpoints }: Container): readonly string[] {
  return endpoints.flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6]).filter((address) => address !== '');
}

/** Running containers with this name on the network. */
export function answering(name: string, network: string, containers: readonly Container[]): readonly Container[] {
  return containers.filter(
    (container) => container.state.running && namesOn(container, network).includes(name.toLowerCase()),
  );
}

/** The container with this address on one of these networks. */
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

/** Whether the client has no network namespace of its own, so that it cannot be connected to a network. */
export function borrowsNetwork({ networkMode }: Container): boolean {
  return networkMode === 'host' || networkMode === 'none' || networkMode.startsWith('container:');
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '0.0.0.0' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

export function isAddress(host: string): boolean {
  return /^\d{1,3}(?:\.\d{1,3}){3}$/.test(host) || host.includes(':');
}

/** A container that connects to an instance, by one address. */
export interface Client {
  readonly container: Container;
  readonly instance: Instance;
  readonly address: Address;
  /** The web GUI that the managed system creates for this instance. */
  readonly gui: boolean;
}

/** Containers and instances as of one check. */
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
 * Which instance each running container uses: a GUI by its name, any other by its configured host. Helpers and containers
 * kept after a recreate are not clients. Sorted by container, instance and source.
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
  // A GUI of another instance, or an instance's own settings.
  if (guiName.test(container.name) || others.length < instances.length) return [];
  return meant(container, address, others).map((instance) => ({ container, instance, address, gui: false }));
}

/**
 * Returns several if they share a name on one network; then finding the right one is the problem itself. Of these, the one of
 * the client's own Compose project is meant: projects that share a network often have a service of the same name.
 */
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
  const own = near.filter(({ container }) => isOfProject(client, container));
  if (near.length > 0) return own.length > 0 ? own : near;
  return named.length === 1 ? named : [];
}

/** Whether both are of one Compose project. */
export function isOfProject({ labels: one }: Container, { labels: other }: Container): boolean {
  const project = projectNameOf(one);
  return project !== undefined && project === projectNameOf(other);
}

function keyOf({ container, instance, address }: Client): string {
  return [container.name, instance.name, address.source].join('\0');
}

/**
 * Error messages of libpq and the server. Texts: docs/engineering/networks.md#messages-in-the-client. libpq's own messages
 * are in English in our helper containers.
 */
export type Answer =
  | 'no-such-name'
  | 'refused'
  | 'no-answer'
  | 'starting'
  | 'hba-refused'
  | 'tls-refused'
  | 'password-refused'
  | 'role-missing'
  | 'database-missing'
  /** The server answers and refuses for another reason, such as too many clients: the network works. */
  | 'other-refusal'
  | 'unknown';

const texts: readonly (readonly [Answer, RegExp])[] = [
  ['hba-refused', /no pg_hba\.conf entry for (?:host|replication)|pg_hba\.conf rejects (?:connection|replication)/],
  [
    'tls-refused',
    /server does not support SSL, but SSL was required|SSL error:|sslmode value .* invalid when SSL support/,
  ],
  ['password-refused', /password authentication failed for user|no password supplied|authentication failed for user/],
  // Only where no password is asked for; else the message is that of a wrong password.
  ['role-missing', /FATAL: {1,2}role ".*" (?:does not exist|is not permitted to log in)/],
  ['database-missing', /FATAL: {1,2}database ".*" does not exist/],
  ['starting', /the database system is (?:starting up|not yet accepting connections|in recovery mode)/],
  ['other-refusal', /FATAL: {1,2}/],
  ['no-such-name', /could not translate host name/],
  // A proxy without a server behind it accepts connections and closes them at once.
  ['refused', /Connection refused|server closed the connection unexpectedly|Connection reset by peer/],
  ['no-answer', /timeout expired|No route to host|Network is unreachable|Host is unreachable|Connection timed out/],
  // `FATAL` in the server's own language.
  ['other-refusal', /port \d+ failed: \S+: {1,2}\S/],
];

export function clientErrorOf(message: string): Answer {
  return texts.find(([, text]) => text.test(message))?.[0] ?? 'unknown';
}

/** The SQLSTATEs of these messages; psql does not print them for a failed connection. */
export function sqlstateOf(answer: Answer): string | undefined {
  switch (answer) {
    case 'hba-refused':
    case 'role-missing':
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
