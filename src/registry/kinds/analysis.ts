import type { KindDeclaration } from './declaration.ts';

export const analysis = {
  name: 'analysis',
  marker: 'PROBLEMANALYSIS',
  about: 'How the problems of a period developed. The title is usually "Analysis Period: …".',
  header: {
    ID: { value: { type: 'id' }, about: 'Replaces the id that is made from component and title.' },
    'Problem Count': { value: { type: 'text' }, about: 'How many problems there were.', required: true },
    'Resolution Rate': { value: { type: 'text' }, about: 'How many of them were solved.' },
    'Top Categories': { value: { type: 'words' }, about: 'The most frequent categories.' },
  },
  sections: {
    'Trending Issues': {
      holds: 'fields',
      about: 'What increases and what decreases.',
      required: true,
      fields: {
        Increasing: 'What occurs more often.',
        Decreasing: 'What occurs less often.',
        Stable: 'What stays the same.',
        New: 'What occurred for the first time.',
      },
    },
    'System Health Indicators': {
      holds: 'fields',
      about: 'Figures for the whole system.',
      fields: {
        MTTR: 'Mean time to resolution.',
        MTBF: 'Mean time between failures.',
        'Problem Density': 'Problems per component.',
        'Resolution Effectiveness': 'How many solutions last.',
      },
    },
    Recommendations: {
      holds: 'fields',
      ordered: true,
      about: 'What to do next.',
      fields: {
        'Immediate Actions': 'What to do now.',
        'Process Improvements': 'What to do differently.',
        'Monitoring Gaps': 'What is not monitored.',
        'Knowledge Building': 'What should be learned or written down.',
      },
    },
  },
} as const satisfies KindDeclaration;
