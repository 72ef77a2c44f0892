export { attemptsIn, attemptsOf, finishedAt } from './attempts.ts';
export { type BacklogFolder, backlogFolders } from './folders.ts';
export { type Backlog, type BacklogEntry, type BacklogNote, readBacklog } from './read.ts';
export {
  type BacklogChange,
  type BacklogResult,
  type ScannedProblems,
  writeBacklog,
  type WriteBacklogOptions,
} from './write.ts';
export type { TaskValues } from './task-file.ts';
