/** The closed lists of tasks, from which come their types and every schema that speaks of them. */

export const taskKinds = ['resolution', 'investigation', 'prevention', 'monitoring', 'documentation'] as const;

export const problemClasses = [
  'resource-conflict',
  'data-integrity',
  'configuration',
  'performance',
  'permissions',
  'migration',
  'network',
  'other',
] as const;

/** How far a fix may go unattended: it runs, it asks, or a person does it. */
export const automations = ['auto', 'approve', 'human'] as const;

export const taskFlags = ['immediate', 'alert', 'escalate'] as const;
