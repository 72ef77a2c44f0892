/**
 * The views that are loaded after the first one is shown: those that people open less often, in a file of their own.
 */
export { Backups } from './pages/backups.ts';
export { Instance } from './pages/instance.ts';
export { Learning } from './pages/learning.ts';
export { Memory } from './pages/memory.ts';
export { Registry } from './pages/registry.ts';
export { Run, Runs } from './pages/runs.ts';
export { Service } from './pages/service.ts';
