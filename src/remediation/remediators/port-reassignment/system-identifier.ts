import type { Instance } from '../../../host/types.ts';
import type { ReadonlyHost } from '../../contract.ts';

/**
 * The identity of an instance's data, out of `global/pg_control`: of a stopped server too, which no query reaches. It
 * stands in the first eight bytes; the version after it shows whether they were written in this byte order.
 * Undefined where there is no such file.
 */
export async function systemIdentifier(instance: Instance, host: ReadonlyHost): Promise<string | undefined> {
  const file = await host.docker.file(instance.container.id, `${instance.dataDirectory}/global/pg_control`);
  if (file === undefined || file.length < 16) return undefined;
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const version = view.getUint32(8, true);
  return version >= 800 && version < 10_000 ? view.getBigUint64(0, true).toString() : undefined;
}
