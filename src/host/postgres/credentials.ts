import { homedir } from 'node:os';
import { join } from 'node:path';
import { compareText } from '../../util/compare.ts';
import { loginOf } from '../image-contract.ts';
import { parseInstanceConf } from '../instances.ts';
import type { Instance } from '../instance.ts';
import type { FileReader } from '../types.ts';
import { addressesOf, type EnginePlace } from './addresses.ts';
import { passwordInMount } from './password-file.ts';
import { passwordIn, type Passfile, readPassfile } from './passfile.ts';

/**
 * Passwords from the container's environment (the variable of its image, or the file that the variable with `_FILE` names if it is mounted
 * from under a root), `instance.conf`, the passfile and the config. Only drivers get them. All passwords that were found are
 * remembered, so that they can be redacted in everything that is printed or stored.
 */
export interface Credentials {
  /**
   * In the order to try. The last is undefined: the socket in a container usually needs no password. A password that belongs
   * to an instance's name goes only to a container that is certainly this instance, and one of the passfile only to a server
   * that its line names. Without a server, for a program in the container or next to it, none of the passfile: its
   * `localhost` is this machine, and the program may be anyone's.
   */
  passwords(instance: Instance, server?: Server): Promise<readonly (string | undefined)[]>;
  /** If the container may not get a password that is there: why, and what to do. */
  withheld(instance: Instance): Promise<string | undefined>;
  /**
   * All secrets found so far that can be hidden in texts. Not: common words, since `postgres` is part of many names and `data`
   * of every path; words in the names of any instance; and very short ones. The same list until another is found.
   */
  seen(): readonly string[];
  /** Names of instances with a password that is too short to be hidden, sorted. */
  tooShort(): readonly string[];
}

/** A shorter password is part of too many words: replacing it would garble every text. */
const shortestHidden = 4;

export function canBeHidden(secret: string): boolean {
  return secret.trim().length >= shortestHidden;
}

/** Where a login goes. */
export interface Server {
  /** By which the passfile may name it: an address, and for one of this machine's loopback also `localhost`. */
  readonly hosts: readonly string[];
  readonly port: number;
  /** Default: the instance's own. */
  readonly database?: string;
  /** Default: the instance's own. Passwords of other roles come from the passfile only. */
  readonly user?: string;
  /** The user wrote this address down. Only such a server gets PGPASSWORD, which names no server itself. */
  readonly chosen?: true;
}

export interface CredentialSources {
  readonly files: FileReader;
  readonly engine: EnginePlace;
  /** Default: PGPASSFILE, else `~/.pgpass`. Ignored if others can read it, as in libpq. */
  readonly passfile?: string;
  /** From the config: passwords by instance name. */
  readonly configured?: Readonly<Record<string, string>>;
}

export function openCredentials(sources: CredentialSources): Credentials {
  const known = new Set<string>();
  const words = new Set(commonWords);
  const short = new Set<string>();
  let hidden: readonly string[] | undefined;

  function remember(instance: Instance, passwords: readonly string[]): void {
    const before = known.size + words.size;
    for (const password of passwords) known.add(password);
    for (const word of wordsOf(instance)) words.add(word);
    if (passwords.some((password) => !canBeHidden(password))) short.add(instance.name);
    if (known.size + words.size > before) hidden = undefined;
  }
  const passfilePath = sources.passfile ?? process.env['PGPASSFILE'] ?? join(homedir(), '.pgpass');

  async function find(instance: Instance, server?: Server): Promise<Found> {
    const { container, name, identity = 'label' } = instance;
    const { configured = {} } = sources;
    const { passwordVariable } = loginOf(container.env);
    const ofName = Object.hasOwn(configured, name) ? configured[name] : undefined;
    const ofConf = await fromConf(instance, sources.files);
    const passfile = readPassfile(passfilePath);
    const isOther = server?.user !== undefined && server.user !== instance.user;
    const ofInstance = [
      identity === 'label' ? undefined : ofName,
      container.env[passwordVariable],
      // The mounts of an engine elsewhere are not of this machine.
      sources.engine.local ? await passwordInMount(container, sources.files, `${passwordVariable}_FILE`) : undefined,
      identity === 'confirmed' ? ofConf : undefined,
    ];
    const usable = [
      server?.chosen === true ? process.env['PGPASSWORD'] : undefined,
      ...(isOther ? [] : ofInstance),
      server === undefined ? undefined : fromPassfile(passfile, instance, server),
    ].filter(isPassword);
    const ofServers = addressesOf(instance, sources.engine).map((one) => fromPassfile(passfile, instance, one));
    return {
      usable: [...new Set(usable)],
      all: [...usable, ...[ofName, ofConf, ...ofServers].filter(isPassword)],
      isConfWithheld: isPassword(ofConf) && !usable.includes(ofConf),
      isPassfileOpen: passfile.state === 'open',
    };
  }

  return {
    async passwords(instance, server) {
      const { usable, all } = await find(instance, server);
      remember(instance, all);
      return [...usable, undefined];
    },
    async withheld(instance) {
      if ((instance.identity ?? 'label') === 'label') return withheldFromLabel(instance);
      const { isConfWithheld, isPassfileOpen } = await find(instance);
      if (isConfWithheld) return withheldFromName(instance);
      return isPassfileOpen
        ? `The passfile ${passfilePath} was not used, since others may read it. Run \`chmod 0600 ${passfilePath}\`.`
        : undefined;
    },
    seen() {
      hidden ??= [...known].filter((password) => canBeHidden(password) && !isPublic(password, words));
      return hidden;
    },
    tooShort: () => [...short].sort(compareText),
  };
}

interface Found {
  readonly usable: readonly string[];
  /** Also those that this container or server must not get. They are redacted too. */
  readonly all: readonly string[];
  readonly isConfWithheld: boolean;
  /** Others than its owner may read it. */
  readonly isPassfileOpen: boolean;
}

function isPassword(text: string | undefined): text is string {
  return text !== undefined && text !== '';
}

function withheldFromLabel({ name, container }: Instance): string {
  return `No password of ${name} was used, since only a label says that ${container.name} is ${name}. Name the container vrooli-postgres-${name}, or match its name with \`remediation.containers\` in the config.`;
}

function withheldFromName({ name, container, folder = name }: Instance): string {
  return `The password in the instance.conf of ${name} was not used, since only its name says that ${container.name} is ${name}. Give the container the label \`problems.instance=${name}\`, or keep its data in ${folder}.`;
}

/** Words in the paths, files, settings and steps of any instance. */
const commonWords: readonly string[] = [
  '/var/lib/postgresql/data',
  '/etc/postgresql/postgresql.conf',
  'postgresql.auto.conf',
  'container',
  'instance',
  'database',
  'password',
  'volume',
  'network',
  'backup',
  'restart',
  'default',
  'docker',
  'localhost',
  'problems',
];

/**
 * Whether a password is also a word of plans and messages. Redacting it everywhere would make them unreadable and plans
 * useless, for all instances. It is still redacted in URLs and after keys such as `password`.
 */
function isPublic(password: string, words: ReadonlySet<string>): boolean {
  // It would not be recognised in a URL.
  if (/[/:@\s]/.test(password)) return false;
  for (const word of words) if (word.includes(password)) return true;
  return false;
}

function wordsOf({ container, user, database, name, dataDirectory }: Instance): readonly string[] {
  const { mounts, endpoints } = container;
  return [
    container.name,
    container.imageName,
    user,
    database,
    name,
    dataDirectory,
    ...mounts.flatMap((mount) => [mount.name, mount.source, mount.destination]),
    ...endpoints.flatMap(({ network, aliases }) => [network, ...aliases]),
  ];
}

async function fromConf({ folder }: Instance, files: FileReader): Promise<string | undefined> {
  if (folder === undefined) return undefined;
  const file = await files.read(join(folder, 'config', 'instance.conf')).catch(() => undefined);
  return file === undefined ? undefined : parseInstanceConf(file.text)['password'];
}

function fromPassfile(passfile: Passfile, instance: Instance, server: Server): string | undefined {
  if (passfile.state !== 'read') return undefined;
  const { hosts, port, database = instance.database, user = instance.user } = server;
  for (const host of hosts) {
    const password = passwordIn(passfile.text, { host, port, database, user });
    if (password !== undefined) return password;
  }
  return undefined;
}
