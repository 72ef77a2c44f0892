import type { KindDeclaration } from './declaration.ts';

export const pattern = {
  name: 'pattern',
  marker: 'PROBLEMPATTERN',
  about: 'What several problems have in common.',
  header: {
    ID: { value: { type: 'id' }, about: 'Replaces the id that is made from component and title.' },
    Category: {
      value: {
        type: 'term',
        terms: {
          performance: 'too slow or too expensive',
          reliability: 'fails or loses data',
          security: 'allows access that it should not',
          usability: 'hard to use',
          integration: 'parts do not fit together',
        },
      },
      about: 'What it affects.',
      required: true,
    },
    Frequency: { value: { type: 'text' }, about: 'How often it occurs.' },
    'Affected Systems': { value: { type: 'words' }, about: 'Which components it affects.', required: true },
    Tags: { value: { type: 'tags' }, about: 'Keywords.' },
  },
  sections: {
    'Pattern Description': {
      holds: 'fields',
      about: 'What repeats.',
      required: true,
      fields: {
        'Common Symptoms': 'What is observed each time.',
        'Typical Triggers': 'What triggers it.',
        Evolution: 'How it develops.',
        'Cascade Effects': 'What follows from it.',
      },
    },
    'Detection Strategy': {
      holds: 'fields',
      about: 'How to notice it.',
      fields: {
        'Early Warnings': 'What appears first.',
        'Monitoring Approach': 'What to monitor.',
        'Alert Configuration': 'When to raise an alarm.',
        'Automated Checks': 'What a program can check.',
      },
    },
    'Resolution Strategy': {
      holds: 'fields',
      about: 'How to solve it.',
      fields: {
        'Standard Approach': 'What usually works.',
        'Time to Resolution': 'How long it takes.',
        'Resource Requirements': 'What it needs.',
        'Success Rate': 'How often it works.',
      },
    },
    'Prevention Measures': {
      holds: 'fields',
      about: 'How to prevent it.',
      required: true,
      fields: {
        'Design Changes': 'What to build differently.',
        'Process Improvements': 'What to do differently.',
        'Monitoring Enhancements': 'What to monitor in addition.',
        'Training Needs': 'What people should know.',
      },
    },
  },
} as const satisfies KindDeclaration;
