/** On every short-lived container of our own. */
export const helperLabel = 'problems.helper';
/** On whatever a run makes: its id. */
export const runLabel = 'problems.run';
/** Marks a pooler that stands in front of an instance; its value is the instance's name. Itself it is no instance. */
export const poolerLabel = 'problems.pooler';
