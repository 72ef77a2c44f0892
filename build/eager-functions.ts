import type { Plugin } from 'rolldown';
import { parseAst } from 'rolldown/parseAst';

/**
 * Lets V8 compile the functions of these files at once, so that Node's compile cache holds them. Otherwise a function is
 * compiled when it is first called, after the cache was made, and anew in each process: at `problems validate` that is a
 * tenth of its time. V8 takes a function in parentheses for one that is called at once; a declaration cannot stand in
 * them, so each becomes a variable at the top of its file, where declarations are hoisted to anyway.
 */
export function eagerFunctions(chunks: readonly string[]): Plugin {
  return {
    name: 'eager-functions',
    generateBundle(_options, bundle) {
      for (const chunk of Object.values(bundle))
        if (chunk.type === 'chunk' && chunks.includes(chunk.name)) chunk.code = withEagerFunctions(chunk.code);
    },
  };
}

function withEagerFunctions(code: string): string {
  let functions = '';
  let rest = '';
  let end = 0;
  for (const node of parseAst(code).body) {
    if (node.type !== 'FunctionDeclaration' || node.id === null) continue;
    functions += `var ${node.id.name}=(${code.slice(node.start, node.end)});`;
    rest += code.slice(end, node.start);
    end = node.end;
  }
  return functions + rest + code.slice(end);
}
