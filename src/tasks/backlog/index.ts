export { attemptsIn } from './attempts.ts';
export { type BacklogFolder, backlogFolders } from './folders.ts';
export { type Backlog, type BacklogEntry, type BacklogNote, readBacklog } from './reading.ts';
export { type BacklogChange, type BacklogResult, writeBacklog, type WriteBacklogOptions } from './writing.ts';
export type { TaskValues } from './yaml.ts';
