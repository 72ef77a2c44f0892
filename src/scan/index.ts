export type { ScanOptions, ScanProgress } from './options.ts';
export { readAll, scan, scanAll, type ScanResult } from './scan.ts';
