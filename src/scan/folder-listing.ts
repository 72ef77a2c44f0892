import { type Dirent, readdirSync } from 'node:fs';
import type { Listing } from './folder-table.ts';

/** What stands in a folder, before anything is ignored. @throws the error of the file system. */
export function readFolder(folder: string): Listing {
  const folders: string[] = [];
  const files: string[] = [];
  const links: string[] = [];
  const rules: string[] = [];
  let isRepository = false;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const { name } = entry;
    if (isGit(name)) {
      isRepository = true;
      if (entry.isDirectory()) rules.push('.git/info/exclude');
    } else if (entry.isDirectory()) {
      if (!isNeverEntered(name)) folders.push(name);
    } else if (isRegistryName(name)) {
      if (entry.isFile()) files.push(name);
      else if (entry.isSymbolicLink()) links.push(name);
    } else if (isRuleFile(entry)) {
      rules.push(name);
    }
  }
  return { folders, files, links, rules: rules.toSorted(), isRepository };
}

/** Whether a folder of this name is passed over, whatever ignore files say. */
export function isNeverEntered(name: string): boolean {
  return name === 'node_modules' || isGit(name);
}

function isGit(name: string): boolean {
  return name.length === 4 && name.toLowerCase() === '.git';
}

/** `PROBLEMS.md` in any case. */
export function isRegistryName(name: string): boolean {
  return name.length === 11 && name.toLowerCase() === 'problems.md';
}

/** A symbolic link is none: git does not follow it either (gitignore(5), "Notes"). */
function isRuleFile(entry: Dirent): boolean {
  return (entry.name === '.gitignore' || entry.name === '.ignore') && entry.isFile();
}
