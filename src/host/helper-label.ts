/** On every short-lived container of our own. */
export const helperLabel = 'problems.helper';
