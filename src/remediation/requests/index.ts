import type { Verifier } from '../contract.ts';
import { backupRequest } from './backups.ts';

/** Verifiers of requested work, one file each. Remediators verify their own plans. */
export const verifiers: readonly Verifier[] = [backupRequest];
