import { readFileSync, statSync } from 'node:fs';
import { extname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ProblemsError } from '../errors.ts';

/** No one writes a config by hand that is larger. In bytes. */
const largest = 256 * 1024;

/** The value that a config file holds, unchecked. `name` is how the file is called to people. */
export async function readConfigFile(file: string, name: string): Promise<unknown> {
  try {
    switch (extname(file)) {
      case '.json':
        return JSON.parse(textOf(file, name));
      case '.yaml':
      case '.yml': {
        const { loadAll } = await import('js-yaml');
        // Aliases would let a small file stand for a huge value.
        const [settings, second] = loadAll(textOf(file, name), { maxAliases: 0, maxDepth: 20 });
        if (second !== undefined) throw new ProblemsError('bad-config', `${name} holds more than one document`);
        return settings ?? {};
      }
      default:
        return await defaultExportOf(file, name);
    }
  } catch (error) {
    if (error instanceof ProblemsError) throw error;
    const [reason = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
    throw new ProblemsError('bad-config', `${name} cannot be read: ${reason}`, { cause: error });
  }
}

function textOf(file: string, name: string): string {
  if (statSync(file).size > largest) throw new ProblemsError('bad-config', `${name} is larger than ${largest} bytes`);
  return readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
}

async function defaultExportOf(file: string, name: string): Promise<unknown> {
  const loaded: unknown = await import(addressOf(file));
  if (typeof loaded === 'object' && loaded !== null && 'default' in loaded) return loaded.default;
  throw new ProblemsError('bad-config', `${name} has no default export`, { hint: 'Write: export default { … };' });
}

/** When a module was changed that was loaded under its plain address. */
const loadedAt = new Map<string, number>();

/** A module is kept under its address for ever, and `--watch` loads a config again when it has changed. */
function addressOf(file: string): string {
  const { href } = pathToFileURL(file);
  const { mtimeMs } = statSync(file);
  const before = loadedAt.get(file) ?? mtimeMs;
  loadedAt.set(file, before);
  return mtimeMs === before ? href : `${href}?changed=${mtimeMs}`;
}
