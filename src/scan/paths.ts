/** Below a folder, with forward slashes; `''` is the folder itself. */
export function joined(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}
