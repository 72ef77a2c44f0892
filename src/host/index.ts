export { asideMarker } from './instances.ts';
export { openHost, type OpenHost } from './host.ts';
export { parseInstanceConf } from './instance-conf.ts';
export type * from './backups/types.ts';
export type * from './types.ts';
