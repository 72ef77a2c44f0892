import type { KindDeclaration } from './declaration.ts';

export const pattern = {
  name: 'pattern',
  marker: 'PROBLEMPATTERN',
  about: 'What several problems have in common.',
  header: {
    ID: { value: { type: 'id' }, about: 'The id, where the one made from component and title is not wanted.' },
    Category: {
      value: {
        type: 'term',
        terms: {
          performance: 'too slow or too expensive',
          reliability: 'fails or loses data',
          security: 'lets in who should stay out',
          usability: 'hard to use',
          integration: 'parts do not fit together',
        },
      },
      about: 'What it harms.',
      required: true,
    },
    Frequency: { value: { type: 'text' }, about: 'How often it shows.' },
    'Affected Systems': { value: { type: 'words' }, about: 'Which components it touches.', required: true },
    Tags: { value: { type: 'tags' }, about: 'Free words to find it by.' },
  },
  sections: {
    'Pattern Description': {
      holds: 'fields',
      about: 'What repeats.',
      required: true,
      fields: {
        'Common Symptoms': 'What is seen each time.',
        'Typical Triggers': 'What sets it off.',
        Evolution: 'How it develops.',
        'Cascade Effects': 'What follows from it.',
      },
    },
    'Detection Strategy': {
      holds: 'fields',
      about: 'How to notice it.',
      fields: {
        'Early Warnings': 'What shows first.',
        'Monitoring Approach': 'What to watch.',
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
      about: 'How to keep it from coming back.',
      required: true,
      fields: {
        'Design Changes': 'What to build differently.',
        'Process Improvements': 'What to do differently.',
        'Monitoring Enhancements': 'What to watch in addition.',
        'Training Needs': 'What people should know.',
      },
    },
  },
} as const satisfies KindDeclaration;
