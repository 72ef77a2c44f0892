import { GiB, MiB } from '../sizes.ts';

/** How the server is used, with the names of PGTune. */
export type Profile = 'web' | 'oltp' | 'dw' | 'desktop' | 'mixed';
export const profiles = ['web', 'oltp', 'dw', 'desktop', 'mixed'] as const satisfies readonly Profile[];

export type DiskKind = 'hdd' | 'ssd' | 'san' | 'nvme';
export const diskKinds = ['hdd', 'ssd', 'san', 'nvme'] as const satisfies readonly DiskKind[];

/** The values in which profiles differ. */
export interface ProfileNumbers {
  readonly connections: number;
  /** Divisors of the memory. */
  readonly sharedBuffers: number;
  readonly maintenance: number;
  readonly workMem: number;
  readonly cacheShare: number;
  /** Bytes. */
  readonly minWal: number;
  readonly maxWal: number;
  readonly statistics: number;
  readonly use: string;
}

/** See docs/engineering/pgtune.md#formulas. */
export const profileNumbers: Readonly<Record<Profile, ProfileNumbers>> = {
  web: {
    connections: 200,
    sharedBuffers: 4,
    maintenance: 16,
    workMem: 1,
    cacheShare: 3 / 4,
    minWal: GiB,
    maxWal: 4 * GiB,
    statistics: 100,
    use: 'a web application',
  },
  oltp: {
    connections: 300,
    sharedBuffers: 4,
    maintenance: 16,
    workMem: 1,
    cacheShare: 3 / 4,
    minWal: 2 * GiB,
    maxWal: 8 * GiB,
    statistics: 100,
    use: 'many short transactions',
  },
  dw: {
    connections: 40,
    sharedBuffers: 4,
    maintenance: 8,
    workMem: 2,
    cacheShare: 3 / 4,
    minWal: 4 * GiB,
    maxWal: 16 * GiB,
    statistics: 500,
    use: 'a data warehouse',
  },
  desktop: {
    connections: 20,
    sharedBuffers: 16,
    maintenance: 16,
    workMem: 6,
    cacheShare: 1 / 4,
    minWal: 100 * MiB,
    maxWal: 2 * GiB,
    statistics: 100,
    use: 'a desktop',
  },
  mixed: {
    connections: 100,
    sharedBuffers: 4,
    maintenance: 16,
    workMem: 2,
    cacheShare: 3 / 4,
    minWal: GiB,
    maxWal: 4 * GiB,
    statistics: 100,
    use: 'mixed use',
  },
};
