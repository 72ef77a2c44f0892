import type { ReadonlyHost } from '../contract.ts';

/** What `global/pg_control` says of a cluster. It can be read while no server runs, whoever owns it. */
export interface ControlFile {
  readonly systemIdentifier: string;
  /** Its server has ended as it should: nothing is left to recover. */
  readonly shutDown: boolean;
}

/** DB_SHUTDOWNED and DB_SHUTDOWNED_IN_RECOVERY of pg_control.h. */
const shutDownStates: readonly number[] = [1, 2];

/** Of the container's data directory. Undefined where there is none, or none that is written in this byte order. */
export async function controlFile(
  host: ReadonlyHost,
  container: string,
  dataDirectory: string,
): Promise<ControlFile | undefined> {
  const bytes = await host.docker.file(container, `${dataDirectory}/global/pg_control`);
  return bytes === undefined ? undefined : readControlFile(bytes);
}

/** Identifier (8 bytes), version of the file, version of the catalogue, state. */
export function readControlFile(bytes: Uint8Array): ControlFile | undefined {
  if (bytes.length < 20) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint32(8, true);
  if (version < 800 || version > 10_000) return undefined;
  return {
    systemIdentifier: view.getBigUint64(0, true).toString(),
    shutDown: shutDownStates.includes(view.getUint32(16, true)),
  };
}
