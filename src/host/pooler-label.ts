/** Marks a pooler that stands in front of an instance; its value is the instance's name. Itself it is no instance. */
export const poolerLabel = 'problems.pooler';
