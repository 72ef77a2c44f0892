import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { extname, join } from 'node:path';
import { readRegularFile } from '../../read-file.ts';

/** The files of the page. They hold no data, so they need no token. */
export type PageFiles = ReadonlyMap<string, PageFile>;

interface PageFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly type: string;
  readonly etag: string;
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.webmanifest': 'application/manifest+json',
};

const largest = 4 * 1_024 * 1_024;

/**
 * Reads all files of a folder, by path: `/`, `/page.js`. A request names one of them or nothing, so no path leads out. Files of
 * other types, links and folders are left out.
 */
export function readPageFiles(folder: string | undefined): PageFiles {
  const files = new Map<string, PageFile>();
  for (const name of folder === undefined ? [] : namesIn(folder)) {
    const type = types[extname(name)];
    if (folder === undefined || type === undefined) continue;
    const read = readRegularFile(join(folder, name), { most: largest, followLink: false });
    if (read.type !== 'read' || !read.isWhole) continue;
    const etag = `"${createHash('sha256').update(read.bytes).digest('base64url')}"`;
    const file = { bytes: Uint8Array.from(read.bytes), type, etag };
    files.set(name === 'index.html' ? '/' : `/${name}`, file);
  }
  return files;
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isFile() ? [entry.name] : []));
  } catch {
    return [];
  }
}

export function fileAnswer({ bytes, type, etag }: PageFile, known: string | undefined): Response {
  const headers = { 'content-type': type, etag, 'cache-control': 'no-cache' };
  return known === etag ? new Response(null, { status: 304, headers }) : new Response(bytes, { headers });
}
