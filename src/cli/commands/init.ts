import { defineCommand } from '../command.ts';

export const init = defineCommand({
  name: 'init',
  group: 'project',
  summary: 'Write a starting PROBLEMS.md and problems.config.yaml.',
  about: 'What already exists is left as it is.',
  arguments: [{ name: 'folder', about: 'Where to write. Default: here.', completion: 'folder' }],
  options: {},
  examples: [{ command: 'problems init', about: 'start a registry in this folder' }],
  exitCodes: [
    { code: 0, about: 'both files stand' },
    { code: 2, about: 'a file cannot be written' },
  ],
  async run({ arguments: [folder = '.'], cwd, screen }) {
    const { initRegistry } = await import('../../app/edit-registry.ts');
    for (const { path, created } of initRegistry(folder, cwd))
      screen.out.write(created ? `Created ${path}.\n` : `${path} exists and stays as it is.\n`);
    return 0;
  },
});
