import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseAst } from 'rolldown/parseAst';
import { describe, expect, it } from 'vitest';

const src = join(import.meta.dirname, '../../src');
const entries = ['index.ts', 'app/remediation.ts', 'app/swarm.ts', 'testing/index.ts', 'remark.ts'].map((file) =>
  join(src, file),
);

/** A node of the syntax tree (ESTree with TypeScript's types), of which only the shape is known. */
interface Node {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** A file's declarations by name, and where its imported and re-exported names come from. */
interface Module {
  readonly declared: ReadonlyMap<string, Node>;
  readonly imported: ReadonlyMap<string, Source>;
  readonly exported: ReadonlyMap<string, Source>;
  readonly stars: readonly string[];
}

interface Source {
  readonly file: string;
  readonly name: string;
}

const modules = new Map<string, Module>();

function moduleOf(file: string): Module {
  const known = modules.get(file);
  if (known !== undefined) return known;
  const declared = new Map<string, Node>();
  const imported = new Map<string, Source>();
  const exported = new Map<string, Source>();
  const stars: string[] = [];
  for (const statement of parseAst(readFileSync(file, 'utf8'), { lang: 'ts' }).body as unknown as readonly Node[]) {
    const from = isNode(statement['source']) ? String(statement['source']['value']) : undefined;
    const path = from?.startsWith('.') === true ? join(dirname(file), from) : undefined;
    if (statement.type === 'ExportAllDeclaration' && path !== undefined) stars.push(path);
    for (const specifier of nodes(statement['specifiers'])) {
      if (statement.type === 'ImportDeclaration' && path !== undefined && specifier.type === 'ImportSpecifier')
        imported.set(nameOf(specifier['local']), { file: path, name: nameOf(specifier['imported']) });
      if (statement.type === 'ExportNamedDeclaration')
        exported.set(nameOf(specifier['exported']), { file: path ?? file, name: nameOf(specifier['local']) });
    }
    const declaration = isNode(statement['declaration']) ? statement['declaration'] : statement;
    for (const [name, node] of declarationsIn(declaration)) {
      declared.set(name, node);
      if (statement.type.startsWith('Export')) exported.set(name, { file, name });
    }
  }
  const module = { declared, imported, exported, stars };
  modules.set(file, module);
  return module;
}

function declarationsIn(node: Node): readonly (readonly [string, Node])[] {
  if (node.type === 'VariableDeclaration') return nodes(node['declarations']).map((one) => [nameOf(one['id']), one]);
  return isNode(node['id']) ? [[nameOf(node['id']), node]] : [];
}

/** Where a name that a file exports or uses is declared; undefined for globals and names of packages. */
function declarationOf({ file, name }: Source): Source | undefined {
  const module = moduleOf(file);
  const next = module.exported.get(name) ?? module.imported.get(name);
  if (next !== undefined && (next.file !== file || next.name !== name)) return declarationOf(next);
  if (module.declared.has(name)) return { file, name };
  return module.stars.map((star) => declarationOf({ file: star, name })).find((found) => found !== undefined);
}

function publicNames(file: string): readonly string[] {
  const { exported, stars } = moduleOf(file);
  return [...exported.keys(), ...stars.flatMap(publicNames)];
}

/** The names in a declaration's types. Bodies of functions and values of variables are not part of a signature. */
function typesIn(value: unknown, parameters: ReadonlySet<string> = new Set()): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((one) => typesIn(one, parameters));
  if (!isNode(value)) return [];
  const own = isNode(value['typeParameters']) ? nodes(value['typeParameters']['params']) : [];
  const mapped =
    value.type === 'TSMappedType' || value.type === 'TSInferType' ? [value['key'] ?? value['typeParameter']] : [];
  const known = new Set([...parameters, ...[...own.map((one) => one['name']), ...mapped].map(nameOf)]);
  const name =
    value.type === 'TSTypeReference'
      ? nameOf(value['typeName'])
      : value.type === 'TSInterfaceHeritage'
        ? nameOf(value['expression'])
        : '';
  const below = Object.entries(value).flatMap(([key, child]) =>
    key === 'body' && value.type === 'FunctionDeclaration' ? [] : key === 'init' ? [] : typesIn(child, known),
  );
  return name === '' || known.has(name) ? below : [name, ...below];
}

function nameOf(node: unknown): string {
  if (!isNode(node)) return typeof node === 'string' ? node : '';
  return nameOf(node.type === 'TSQualifiedName' ? node['left'] : (node['name'] ?? node['value']));
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value;
}

function nodes(value: unknown): readonly Node[] {
  return Array.isArray(value) ? value.filter(isNode) : [];
}

function keyOf({ file, name }: Source): string {
  return `${file.slice(src.length + 1)} ${name}`;
}

describe('public signatures', () => {
  const found = entries.flatMap((file) => publicNames(file).flatMap((name) => declarationOf({ file, name }) ?? []));
  const open = new Set(found.map(keyOf));

  it('are found', () => {
    expect(open.size).toBeGreaterThan(100);
    expect(open).toContain('app/scan.ts scanProblems');
  });

  it('use only types that one of the entry points exports', () => {
    const hidden = found.flatMap((source) => {
      const types = new Set(typesIn(moduleOf(source.file).declared.get(source.name)));
      return [...types].flatMap((name) => {
        const type = declarationOf({ file: source.file, name });
        return type === undefined || open.has(keyOf(type)) ? [] : [`${keyOf(source)} uses ${keyOf(type)}`];
      });
    });
    expect([...new Set(hidden)].toSorted()).toEqual([]);
  });
});
