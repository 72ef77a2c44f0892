export type { ScanOptions, ScanProgress } from './options.ts';
export { scan, scanAll, type ScanResult } from './scan.ts';
