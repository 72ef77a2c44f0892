import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { Nodes } from 'mdast';
import remarkGfm from 'remark-gfm';
import remarkParse from 'remark-parse';
import { unified } from 'unified';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const markdown = unified().use(remarkParse).use(remarkGfm);

/** Paths below the root, with `/`, of all files in these folders and of these files. */
function filesOf(...places: readonly string[]): readonly string[] {
  return places.flatMap((place) =>
    statSync(join(root, place)).isDirectory()
      ? readdirSync(join(root, place), { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => posix.relative(root, posix.join(entry.parentPath, entry.name)))
      : [place],
  );
}

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

function parsed(text: string): readonly Nodes[] {
  return [...nodesOf(markdown.parse(text))];
}

function* nodesOf(node: Nodes): Generator<Nodes> {
  yield node;
  if ('children' in node) for (const child of node.children) yield* nodesOf(child);
}

function textOf(node: Nodes): string {
  return [...nodesOf(node)].map((part) => ('value' in part ? part.value : '')).join('');
}

/** The anchors that GitHub gives to the headings: lower case, no punctuation, `-1` for the second of one name. */
function anchorsOf(nodes: readonly Nodes[]): ReadonlySet<string> {
  const anchors = new Set<string>();
  const uses = new Map<string, number>();
  for (const node of nodes) {
    if (node.type !== 'heading') continue;
    const anchor = textOf(node)
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
      .replaceAll(' ', '-');
    const used = uses.get(anchor) ?? 0;
    uses.set(anchor, used + 1);
    anchors.add(used === 0 ? anchor : `${anchor}-${used}`);
  }
  return anchors;
}

/** What pages contain that were read before. */
const known = new Map<string, { readonly nodes: readonly Nodes[]; readonly anchors: ReadonlySet<string> }>();

function page(path: string): { readonly nodes: readonly Nodes[]; readonly anchors: ReadonlySet<string> } {
  const before = known.get(path);
  if (before !== undefined) return before;
  const nodes = parsed(read(path));
  const found = { nodes, anchors: anchorsOf(nodes) };
  known.set(path, found);
  return found;
}

/** Why `target`, a path below the root with or without `#anchor`, leads nowhere; undefined if it exists. */
function missing(target: string): string | undefined {
  const [path = '', anchor] = target.split('#');
  if (path.startsWith('..')) return `${path} is outside the repository`;
  if (!existsSync(join(root, path))) return `${path} does not exist`;
  if (anchor === undefined || !path.endsWith('.md')) return undefined;
  return page(path).anchors.has(anchor) ? undefined : `${path} has no heading for #${anchor}`;
}

/** Where the relative links of a page lead, as paths below the root. */
function linksOf(path: string, nodes: readonly Nodes[]): readonly string[] {
  return nodes.flatMap((node) => {
    if (node.type !== 'link' && node.type !== 'image' && node.type !== 'definition') return [];
    if (/^[a-z][a-z0-9+.-]*:/.test(node.url)) return [];
    const [file = '', anchor] = node.url.split('#');
    const target = file === '' ? path : posix.join(posix.dirname(path), decodeURIComponent(file));
    return [anchor === undefined ? target : `${target}#${anchor}`];
  });
}

/** Sections of the engineering pages that a text cites by their full path. */
function citationsOf(text: string): readonly string[] {
  return text.match(/\bdocs\/engineering\/[a-z-]+\.md(?:#[a-z0-9-]+)?/g) ?? [];
}

const pages = filesOf(
  'docs',
  ...readdirSync(root).filter((name) => name.endsWith('.md') && name !== 'PROBLEMS.md'),
).filter((path) => path.endsWith('.md'));

describe('the documentation', () => {
  it.each(pages)('%s links only to files and sections that exist', (path) => {
    expect(linksOf(path, page(path).nodes).flatMap((target) => missing(target) ?? [])).toEqual([]);
  });

  it('has every section of docs/engineering/ that code, tests or pages cite', () => {
    const cited = filesOf('src', 'test', 'docs', 'build', 'examples')
      .filter((path) => /\.(?:ts|sh|md)$/.test(path) && !path.endsWith('citations.test.ts'))
      .flatMap((path) => citationsOf(read(path)).map((target) => ({ path, target })));
    expect(cited.filter(({ target }) => missing(target) !== undefined)).toEqual([]);
  });

  it('lists every engineering page in the index, and ends every section with its basis', () => {
    const facts = pages.filter((page) => /^docs\/engineering\/(?!index)/.test(page));
    expect(linksOf('docs/engineering/index.md', page('docs/engineering/index.md').nodes)).toEqual(
      expect.arrayContaining(facts),
    );
    const unfounded = facts.flatMap((page) =>
      read(page)
        .split(/^## /m)
        .slice(1)
        .filter((section) => !section.split(/\n{2,}/).some((paragraph) => paragraph.startsWith('Basis: ')))
        .map((section) => `${page}: ${section.slice(0, section.indexOf('\n'))}`),
    );
    expect(unfounded).toEqual([]);
  });
});

describe('docs/engineering/queue.md', () => {
  it('names only tests that there are', () => {
    const rows = [...read('docs/engineering/queue.md').matchAll(/^\|[^|]+\| `([^`]+)`: (.+?) *\|$/gm)];
    expect(rows.length).toBeGreaterThan(40);
    const missingTests = rows.filter(([, file = '', title = '']) => {
      const path = file === 'contract' ? 'test/swarm/contract.ts' : file;
      return !existsSync(join(root, path)) || !read(path).includes(title);
    });
    expect(missingTests.map(([row]) => row)).toEqual([]);
  });
});

describe('the check of links', () => {
  it('reports a missing file, a missing section and a path out of the repository', () => {
    const text = '[a](gone.md) [b](index.md#gone) [c](../../x.md) [d](https://example.org/#x) [e](index.md)\n';
    expect(linksOf('docs/page.md', parsed(text)).map((target) => missing(target))).toEqual([
      'docs/gone.md does not exist',
      'docs/index.md has no heading for #gone',
      '../x.md is outside the repository',
      undefined,
    ]);
  });

  it('uses the same anchors of headings as GitHub', () => {
    const text = '# A `b` & c\n\n## What it finds\n\n## What it finds\n\n## PGTune’s values: 2.5 ×\n';
    expect([...anchorsOf(parsed(text))]).toEqual(['a-b--c', 'what-it-finds', 'what-it-finds-1', 'pgtunes-values-25-']);
  });

  it('finds citations in comments', () => {
    const comment = '/** Free: docs/engineering/ports.md#free-ports. And docs/engineering/index.md. */';
    expect(citationsOf(comment)).toEqual(['docs/engineering/ports.md#free-ports', 'docs/engineering/index.md']);
  });
});
