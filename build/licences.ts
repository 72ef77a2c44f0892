import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
}

function packageFolder(moduleId: string): string | undefined {
  return /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(moduleId.replaceAll('\\', '/'))?.[0];
}

function describe(folder: string): string {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file));
  const texts = files.toSorted().map((file) => readFileSync(join(folder, file), 'utf8').trim());
  const heading = `${manifest.name} ${manifest.version} (${manifest.license ?? 'no license field'})`;
  return [heading, '-'.repeat(heading.length), ...texts].join('\n\n');
}

/** The licence texts of every package that these modules come from, in the order of the packages' names. */
export function thirdPartyLicences(moduleIds: readonly string[]): string {
  const folders = new Set(moduleIds.flatMap((id) => packageFolder(id) ?? []));
  const texts = [...folders].filter((folder) => existsSync(join(folder, 'package.json'))).map(describe);
  const intro = 'The files of this folder contain code of the packages below, under the licences that follow.';
  return `${[intro, ...texts.toSorted()].join('\n\n\n')}\n`;
}
