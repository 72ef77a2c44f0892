import type { KindDeclaration } from './declaration.ts';

export const integration = {
  name: 'integration',
  marker: 'PROBLEMINTEGRATION',
  about:
    "The registry's own policy: which tasks to generate, how to calibrate its estimates, what may be fixed unattended.",
  header: {
    ID: { value: { type: 'id' }, about: 'Replaces the id that is made from component and title.' },
  },
  sections: {
    'Task Generation': {
      holds: 'fields',
      about: 'Which tasks to generate for this registry.',
      fields: {
        'Active Issues': 'Tasks for active records.',
        'Pattern Recognition': 'Tasks for patterns and intermittent records.',
        'Knowledge Gaps': 'Which gaps become documentation tasks.',
        'Monitoring Improvements': 'Which gaps become monitoring tasks.',
      },
    },
    'Priority Calculation': {
      holds: 'fields',
      about:
        'Examples in brackets that calibrate the estimates of records that state none: `(data corruption = 10, port conflicts = 8)`.',
      fields: {
        'Severity + Frequency → Impact score': 'Impact, 1 to 10.',
        'User/business impact → Urgency level': 'Urgency: critical, high, medium or low.',
        'Investigation status → Success probability': 'Success probability, 0 to 1.',
        'Complexity → Resource cost estimate': 'Cost: minimal, moderate or heavy.',
      },
    },
    'Learning Integration': {
      holds: 'fields',
      about: 'What is learned from outcomes.',
      fields: {
        'Resolution Patterns': 'Which solutions to remember.',
        'Prediction Models': 'What to predict.',
        'Resource Optimization': 'How to spend effort better.',
        'Success Metrics': 'How to measure success.',
      },
    },
    'Automation Opportunities': {
      holds: 'fields',
      about: 'Which classes of problem may be fixed unattended, and which need a human decision.',
      fields: {
        'Auto-Detection': 'What a program detects.',
        'Auto-Triage': 'What a program classifies.',
        'Auto-Resolution': 'What may be fixed unattended.',
        'Auto-Escalation': 'What needs a human decision.',
      },
    },
  },
  freeForm: true,
} as const satisfies KindDeclaration;
