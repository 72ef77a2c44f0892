import type { KindDeclaration } from './declaration.ts';

export const integration = {
  name: 'integration',
  marker: 'PROBLEMINTEGRATION',
  about:
    "The registry's own policy: which tasks it wants, how its estimates are calibrated, what may be fixed unattended.",
  header: {
    ID: { value: { type: 'id' }, about: 'The id, where the one made from component and title is not wanted.' },
  },
  sections: {
    'Task Generation': {
      holds: 'fields',
      about: 'Which tasks this registry wants generated.',
      fields: {
        'Active Issues': 'What becomes of active records.',
        'Pattern Recognition': 'What becomes of patterns and intermittent records.',
        'Knowledge Gaps': 'Which gaps become documentation tasks.',
        'Monitoring Improvements': 'Which gaps become monitoring tasks.',
      },
    },
    'Priority Calculation': {
      holds: 'fields',
      about:
        'Examples in brackets that calibrate estimates where a record carries none: `(data corruption = 10, port conflicts = 8)`.',
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
        'Resolution Patterns': 'Which solutions are remembered.',
        'Prediction Models': 'What is predicted.',
        'Resource Optimization': 'How effort is spent better.',
        'Success Metrics': 'How success is measured.',
      },
    },
    'Automation Opportunities': {
      holds: 'fields',
      about: 'Which classes of problem may be fixed unattended and which need a person.',
      fields: {
        'Auto-Detection': 'What is detected by a program.',
        'Auto-Triage': 'What is classified by a program.',
        'Auto-Resolution': 'What may be fixed unattended.',
        'Auto-Escalation': 'What a person must decide.',
      },
    },
  },
  freeForm: true,
} as const satisfies KindDeclaration;
