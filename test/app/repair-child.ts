import { openProject } from './repairs.ts';

/** A worker in a process of its own: `node repair-child.ts <folder> <point>` ends itself by SIGKILL at the point. */
const [folder = '', killAt = ''] = process.argv.slice(2);

const project = await openProject(folder, {
  atPoint(name) {
    if (name === killAt) process.kill(process.pid, 'SIGKILL');
  },
});
await project.work({
  worker: 'killed',
  lease: 1,
  onEvent({ type }) {
    if (type === killAt) process.kill(process.pid, 'SIGKILL');
  },
});
project.close();
