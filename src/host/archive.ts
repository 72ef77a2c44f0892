/**
 * The content of a tar archive's first entry, where that is an ordinary file: what the engine answers when it is asked
 * for one file of a container. Undefined for a folder, a link and anything else.
 */
export function fileInArchive(archive: Uint8Array): Uint8Array | undefined {
  const type = archive[156];
  const isFile = type === 0 || type === '0'.charCodeAt(0);
  const size = Number.parseInt(Buffer.from(archive.subarray(124, 136)).toString('latin1'), 8);
  if (!isFile || !Number.isInteger(size) || 512 + size > archive.length) return undefined;
  return archive.subarray(512, 512 + size);
}
