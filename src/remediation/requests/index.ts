import type { Verifier } from '../contract.ts';
import { backupRequest } from './backups.ts';

/** Verifiers of work that is asked for, one file each. What remediators find, they verify themselves. */
export const verifiers: readonly Verifier[] = [backupRequest];
