import type { ReadonlyHost } from '../../contract.ts';

/** The name, or with a number the first that no volume has: one that exists is never written to. */
export async function freeVolume(wanted: string, host: ReadonlyHost): Promise<string> {
  const taken = new Set((await host.docker.volumes()).map(({ name }) => name));
  let name = wanted;
  for (let number = 2; taken.has(name); number += 1) name = `${wanted}-${number}`;
  return name;
}
