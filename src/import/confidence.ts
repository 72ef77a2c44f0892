/** From this confidence on at least 98 of 100 proposals are problems: docs/import.md says on which files that was measured. */
export const sureConfidence = 0.6;
