import { realpathSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
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
 * The path of a file from the root of its project, which is the same from whatever working folder.
 * @param path Relative to `cwd`.
 * @param otherwise The folder that the path begins at for a file outside every project.
 */
export function projectPath(path: string, { cwd, projectFolder, otherwise }: ProjectPathOptions): string {
  const file = resolve(realpathSync.native(cwd), path);
  return relativePath(projectOf(dirname(file), projectFolder) ?? otherwise, file);
}

interface ProjectPathOptions {
  readonly cwd: string;
  readonly projectFolder: string | undefined;
  readonly otherwise: string;
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
