import { isBuiltin } from 'node:module';
import { dirname, join, relative, sep } from 'node:path';
import { everywhere, type Room, rooms, siblingFolders } from './import-table.ts';

interface Source {
  readonly value?: unknown;
}

interface ImportNode {
  readonly source: Source | null;
  readonly importKind?: string;
  readonly exportKind?: string;
  readonly specifiers?: readonly { readonly importKind?: string; readonly exportKind?: string }[];
}

interface Context {
  readonly filename: string;
  readonly cwd: string;
  report(problem: { readonly node: Source; readonly message: string }): void;
}

function toSlashes(path: string): string {
  return path.split(sep).join('/');
}

function within(path: string, place: string): boolean {
  return place.endsWith('/') ? path.startsWith(place) : path === place;
}

/** A file or folder that every room may import. */
function isEverywhere(file: string): boolean {
  return everywhere.some((place) => within(file, place));
}

function roomOf(file: string): Room | undefined {
  return rooms
    .filter((room) => within(file, room.path))
    .toSorted((a, b) => b.path.length - a.path.length)
    .at(0);
}

/** Where a file stands among siblings that must not see each other: `remediation/remediators/x/`. */
function ownFolder(file: string): string | undefined {
  const parent = siblingFolders.find((folder) => file.startsWith(folder));
  if (parent === undefined) return undefined;
  const slash = file.indexOf('/', parent.length);
  return slash === -1 ? undefined : file.slice(0, slash + 1);
}

function packageName(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

function allowsPackage(room: Room, name: string): boolean {
  return (room.packages ?? []).some((allowed) =>
    allowed.endsWith('*') ? name.startsWith(allowed.slice(0, -1)) : name === allowed,
  );
}

/** Why `file` must not import `specifier`, both relative to `src`, or undefined where it may. */
export function refusal(file: string, specifier: string, typesOnly: boolean): string | undefined {
  const room = roomOf(file);
  if (room === undefined) {
    return isEverywhere(file) ? undefined : `src/${file} is in no room of build/lint/import-table.ts`;
  }
  if (!specifier.startsWith('.')) {
    if (isBuiltin(specifier)) return undefined;
    const name = packageName(specifier);
    return allowsPackage(room, name) ? undefined : `src/${room.path} must not import the package ${name}`;
  }
  const target = toSlashes(join(dirname(file), specifier));
  const own = ownFolder(file);
  if (isEverywhere(target) || within(target, own ?? room.path)) return undefined;
  if (room.rooms.some((place) => within(target, place))) return undefined;
  // The list of siblings stands beside them and names each one.
  if (own === undefined && siblingFolders.includes(room.path) && target.startsWith(room.path)) return undefined;
  const asTypes = (room.types ?? []).some((place) => within(target, place));
  if (asTypes && typesOnly) return undefined;
  return `src/${own ?? room.path} must not import ${asTypes ? 'anything but types from ' : ''}src/${target}`;
}

function isTypesOnly(node: ImportNode): boolean {
  if (node.importKind === 'type' || node.exportKind === 'type') return true;
  const specifiers = node.specifiers ?? [];
  return specifiers.length > 0 && specifiers.every((one) => one.importKind === 'type' || one.exportKind === 'type');
}

function createRoomImports(context: Context) {
  const file = toSlashes(relative(join(context.cwd, 'src'), context.filename));
  function check(node: ImportNode): void {
    const specifier = node.source?.value;
    if (!node.source || typeof specifier !== 'string' || file.startsWith('..')) return;
    const message = refusal(file, specifier, isTypesOnly(node));
    if (message !== undefined) context.report({ node: node.source, message });
  }
  return {
    ImportDeclaration: check,
    ExportNamedDeclaration: check,
    ExportAllDeclaration: check,
    ImportExpression: check,
    TSImportType: (node: ImportNode) => check({ source: node.source, importKind: 'type' }),
  };
}

interface Declaration {
  readonly type: string;
  readonly declaration?: Declaration | null;
  readonly declarations?: readonly { readonly id: Source; readonly init?: { readonly type: string } | null }[];
}

/** Functions at the top level are declarations: they are hoisted, named in stack traces, and look alike. */
function createTopLevelFunctions(context: Context) {
  return {
    Program(program: { readonly body: readonly Declaration[] }): void {
      for (const statement of program.body) {
        for (const { id, init } of (statement.declaration ?? statement).declarations ?? []) {
          if (init?.type === 'ArrowFunctionExpression' || init?.type === 'FunctionExpression') {
            context.report({ node: id, message: 'Write a function declaration at the top level.' });
          }
        }
      }
    },
  };
}

// The linter asks for a default export.
export default {
  meta: { name: 'house' },
  rules: {
    'room-imports': { create: createRoomImports },
    'top-level-functions': { create: createTopLevelFunctions },
  },
};
