import { defineCommand } from '../command.ts';

export const init = defineCommand({
  name: 'init',
  group: 'project',
  summary: 'Create a PROBLEMS.md and a problems.config.yaml to start with.',
  about: 'Existing files are not changed.',
  arguments: [{ name: 'folder', about: 'Where to create them. Default: the working folder.', completion: 'folder' }],
  options: {},
  examples: [{ command: 'problems init', about: 'start a registry in this folder' }],
  exitCodes: [
    { code: 0, about: 'both files exist' },
    { code: 2, about: 'a file cannot be written' },
  ],
  async run({ arguments: [folder = '.'], cwd, screen }) {
    const { initRegistry } = await import('../../app/edit-registry.ts');
    for (const { path, created } of initRegistry(folder, cwd))
      screen.out.write(created ? `Created ${path}.\n` : `${path} exists and was not changed.\n`);
    return 0;
  },
});
