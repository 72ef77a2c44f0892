import type { Plugin } from 'rolldown';

/** Modules that Node has not loaded by itself at a start, and that most runs of a command never come to use. */
const late: ReadonlySet<string> = new Set(['node:child_process', 'node:crypto', 'node:zlib']);

/** Modules that Node has loaded at every start, so that reading them at once costs nothing. */
const early: ReadonlySet<string> = new Set(['node:buffer', 'node:fs', 'node:path', 'node:url', 'node:util']);

const prefix = '\0builtin:';

/**
 * Takes Node's own modules from `process.getBuiltinModule` in place of an import: of the `early` ones only what is used,
 * the `late` ones at the first use. An imported one gets a namespace of all it exports, which reads every getter:
 * `node:process` opens standard input and output, `node:fs` loads `fs/promises`. At the start of `problems validate` all
 * that is a third of what Node itself takes.
 */
export function builtinModules(): Plugin {
  return {
    name: 'builtin-modules',
    resolveId: {
      filter: { id: /^node:/ },
      handler(id, importer) {
        // What the bundler itself puts into every file asks for node:module, before anything else is there.
        const isOurs = importer !== undefined && !importer.includes('rolldown') && id !== 'node:module';
        return isOurs ? { id: prefix + id, moduleSideEffects: false } : null;
      },
    },
    load: {
      filter: { id: /^\0builtin:/ },
      async handler(id) {
        const name = id.slice(prefix.length);
        const exported: object = await import(name);
        const names = Object.keys(exported).filter((key) => key !== 'default');
        const taken = `process.getBuiltinModule('${name}')`;
        if (late.has(name))
          return `for (const key of ${JSON.stringify(names)}) Object.defineProperty(exports, key, { enumerable: true, get: () => ${taken}[key] });`;
        if (!early.has(name)) return `module.exports = ${taken};`;
        const picked = names.map((key) => `export const ${key} = builtin.${key};`);
        return [`const builtin = ${taken};`, 'export default builtin;', ...picked].join('\n');
      },
    },
  };
}
