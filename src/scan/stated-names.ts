import { realpathSync } from 'node:fs';
import { posix } from 'node:path';
import { isOutside, relativePath } from './locations.ts';

/** What the config calls a file, an absolute path: by its own path, the folder that holds it, or the one above `docs`. */
export function statedNames(
  components: Readonly<Record<string, string>>,
  configFolder: string,
): (file: string) => string | undefined {
  const names = new Map(
    Object.entries(components).map(([path, name]) => [posix.join(path, '.').replace(/\/$/, ''), name]),
  );
  if (names.size === 0) return () => undefined;
  const folder = realpathSync.native(configFolder);
  return (file) => {
    const path = relativePath(folder, file);
    if (isOutside(path)) return undefined;
    const parent = posix.dirname(path);
    const above = posix.basename(parent).toLowerCase() === 'docs' ? names.get(posix.dirname(parent)) : undefined;
    return names.get(path) ?? names.get(parent) ?? above;
  };
}
