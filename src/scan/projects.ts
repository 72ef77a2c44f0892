import { realpathSync } from 'node:fs';
import type { Located } from './components.ts';
import { foldersFrom, foldersOf, isOutside, relativePath, repositoryOf, stepsUp } from './locations.ts';

/**
 * The root of the project that a folder is in: the folder of the config if it is that or above, else the repository.
 * Undefined outside both. The names of components begin there, so that a record has the same id from whatever folder of
 * the project it is read.
 * @param folder A real path.
 * @param projectFolder The folder of the config file, if there is one.
 */
export function projectOf(folder: string, projectFolder: string | undefined): string | undefined {
  if (projectFolder !== undefined) {
    const root = realpathSync.native(projectFolder);
    if (!isOutside(relativePath(root, folder))) return root;
  }
  return repositoryOf(folder);
}

/**
 * Returns the folders that name a registry: from the root of its project down and, if a scan is of several projects, those
 * that tell them apart.
 * @param projects Every project of the scan.
 */
export function namingFolders(
  projects: ReadonlySet<string | undefined>,
  cwd: string,
): (project: string, file: string) => Pick<Located, 'folders' | 'outer'> {
  const here = realpathSync.native(cwd);
  const steps = Array.from(projects, (project) => (project === undefined ? 0 : stepsUp(relativePath(here, project))));
  const top = Math.max(0, ...steps);
  return (project, file) => ({
    folders: foldersOf(relativePath(project, file)).slice(0, -1),
    outer: projects.size === 1 ? [] : foldersFrom(relativePath(here, project), here, top),
  });
}
