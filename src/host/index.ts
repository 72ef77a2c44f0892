export { asideLabel, asideMarker, instanceLabel } from './instances.ts';
export { dataMount, sharing, volumeKey } from './data-mount.ts';
export { openHost, type HostOptions, type OpenHost } from './host.ts';
export { parseInstanceConf } from './instance-conf.ts';
export type * from './types.ts';
