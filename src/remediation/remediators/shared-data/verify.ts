import type { Plan, ReadonlyHost, Verification } from '../../contract.ts';
import { serverOf, serversOn } from './observe.ts';
import type { SharedDataExpected } from './types.ts';

/** Only one server is left on the data. */
export async function verify({ expected }: Plan<SharedDataExpected>, host: ReadonlyHost): Promise<Verification> {
  const kept = (await host.docker.containers()).find(({ id }) => id === expected.goesOn);
  const server = kept === undefined ? undefined : await serverOf(kept, host);
  const servers = server === undefined ? [] : await serversOn(server, host);
  const checks = [
    { name: 'the first server runs', ok: server !== undefined, seen: kept?.state.status ?? 'no container' },
    {
      name: 'no other server runs on its data',
      ok: servers.length === 1,
      seen: servers.map(({ container }) => container.name).join(', ') || 'none',
    },
  ];
  return { result: checks.every(({ ok }) => ok) ? 'verified' : 'not-verified', checks };
}
