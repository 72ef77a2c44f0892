import { resolve } from 'node:path';
import { createFile } from '../creating.ts';
import { defineCommand } from '../command.ts';

const config = `# Settings of problems for this repository. Every key is optional: docs/configuration.md lists them all.

# components:
#   .: my-application

# ignore:
#   - examples/

# tasks:
#   dir: tasks
`;

const registry = `# Problems

What is wrong here, what was wrong, and what we learned from it. Each record stands between two marker comments:
\`problems new active --into PROBLEMS.md\` adds a blank one, \`problems validate\` checks the file, and \`problems scan\`
says what to do first.

## Active Issues

## Intermittent Issues

## Resolved Issues

## Patterns
`;

const files = [
  { name: 'problems.config.yaml', text: config },
  { name: 'PROBLEMS.md', text: registry },
] as const;

export const init = defineCommand({
  name: 'init',
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
    for (const { name, text } of files) {
      const path = folder === '.' ? name : `${folder}/${name}`;
      const created = createFile(resolve(cwd, folder, name), path, text);
      screen.out.write(created ? `Created ${path}.\n` : `${path} exists and stays as it is.\n`);
    }
    return 0;
  },
});
