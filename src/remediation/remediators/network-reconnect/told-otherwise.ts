import type { Container } from '../../../host/docker/types.ts';
import { splitAuthority } from '../../../postgres/connection-string.ts';
import { type Address, addressesOf } from './addresses.ts';

/** Characters of one variable that change; only these, so that no password is in a plan. */
export interface VariableEdit {
  readonly at: number;
  readonly before: string;
  readonly after: string;
}

export type VariableEdits = Readonly<Record<string, readonly VariableEdit[]>>;

export interface Place {
  readonly host: string;
  readonly port: number;
}

/**
 * The changes to a container's variables after which it asks for another place, and for nothing else otherwise.
 * Undefined where it was told in a way that is not changed with certainty: on its command line, or in a form that has the
 * host twice.
 */
export function toldOtherwise(
  container: Pick<Container, 'env' | 'command' | 'entrypoint'>,
  address: Address,
  place: Place,
): VariableEdits | undefined {
  const value = container.env[address.source];
  if (value === undefined) return undefined;
  const edits = inUrl(value, address, place) ?? inVariables(container.env, value, address, place);
  if (edits === undefined) return undefined;
  const told = addressesOf({ ...container, env: withEdits(container.env, edits) });
  const same = told.find(({ source }) => source === address.source);
  const { host, port, ...rest } = { ...address, ...place, host: place.host.toLowerCase() };
  return same !== undefined && isDeepEqual(same, { host, port, ...rest }) ? edits : undefined;
}

/** `…://user:password@localhost:5437/database`: the part between the last `@` and what follows the port. */
function inUrl(value: string, { source }: Address, { host, port }: Place): VariableEdits | undefined {
  const match = /^(\s*(?:jdbc:)?postgres(?:ql)?(?:\+\w{1,20})?:\/\/(?:[^/?#]*@)?)([^/?#@\s]+)/is.exec(value);
  if (match === null) return undefined;
  return { [source]: [{ at: match[1]?.length ?? 0, before: match[2] ?? '', after: `${host}:${port}` }] };
}

/** `PGHOST` and `PGPORT`, or both in one. A port that is not named is PostgreSQL's own. */
function inVariables(
  env: Container['env'],
  value: string,
  { source }: Address,
  { host, port }: Place,
): VariableEdits | undefined {
  if (value.includes('=') || value.includes('/')) return undefined;
  const [, ownPort] = splitAuthority(value);
  if (ownPort !== undefined) return { [source]: [{ at: 0, before: value, after: `${host}:${port}` }] };
  const portName = source.replace(/(?:HOST|HOSTNAME|HOSTADDR|SERVER|ADDR)$/, 'PORT');
  const portValue = env[portName];
  if (portValue === undefined && port !== 5432) return undefined;
  return {
    [source]: [{ at: 0, before: value, after: host }],
    ...(portValue === undefined ? {} : { [portName]: [{ at: 0, before: portValue, after: String(port) }] }),
  };
}

function withEdits(env: Container['env'], edits: VariableEdits): Container['env'] {
  const changed: Record<string, string> = { ...env };
  for (const [name, list] of Object.entries(edits))
    for (const { at, before, after } of list) {
      const value = changed[name] ?? '';
      changed[name] = value.slice(0, at) + after + value.slice(at + before.length);
    }
  return changed;
}

function isDeepEqual(a: Address, b: Address): boolean {
  const keys = ['source', 'host', 'port', 'user', 'password', 'database', 'sslMode'] as const;
  return keys.every((key) => a[key] === b[key]);
}
