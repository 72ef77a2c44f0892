import type { Remediator } from '../contract.ts';

/** Every built-in remediator: one folder each, listed here. */
export const remediators: readonly Remediator[] = [];
