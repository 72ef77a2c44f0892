import type { Plan, ReadonlyHost, Verification } from '../../contract.ts';
import { placeOfData, type SharedDataExpected } from './types.ts';

/** Only one server is left on the data. */
export async function verify({ expected }: Plan<SharedDataExpected>, host: ReadonlyHost): Promise<Verification> {
  const containers = await host.docker.containers();
  const kept = containers.find(({ id }) => id === expected.goesOn);
  const place = kept === undefined ? undefined : placeOfData(kept);
  const users = containers.filter((container) => place !== undefined && placeOfData(container) === place);
  const checks = [
    { name: 'the first server runs', ok: place !== undefined, seen: kept?.state.status ?? 'no container' },
    {
      name: 'no other server runs on its data',
      ok: users.length === 1,
      seen: users.map((container) => container.name).join(', ') || 'none',
    },
  ];
  return { result: checks.every(({ ok }) => ok) ? 'verified' : 'not-verified', checks };
}
