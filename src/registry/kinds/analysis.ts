import type { KindDeclaration } from './declaration.ts';

export const analysis = {
  name: 'analysis',
  marker: 'PROBLEMANALYSIS',
  about: 'How the problems of a period developed. Its title is by habit "Analysis Period: …".',
  header: {
    ID: { value: { type: 'id' }, about: 'The id, where the one made from component and title is not wanted.' },
    'Problem Count': { value: { type: 'text' }, about: 'How many problems there were.', required: true },
    'Resolution Rate': { value: { type: 'text' }, about: 'How many of them were solved.' },
    'Top Categories': { value: { type: 'words' }, about: 'Which categories came up most.' },
  },
  sections: {
    'Trending Issues': {
      holds: 'fields',
      about: 'What grows and what shrinks.',
      required: true,
      fields: {
        Increasing: 'What comes more often.',
        Decreasing: 'What comes less often.',
        Stable: 'What stays the same.',
        New: 'What came for the first time.',
      },
    },
    'System Health Indicators': {
      holds: 'fields',
      about: 'Figures of the whole.',
      fields: {
        MTTR: 'Mean time to resolution.',
        MTBF: 'Mean time between failures.',
        'Problem Density': 'Problems for each component.',
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
        'Monitoring Gaps': 'What nobody watches.',
        'Knowledge Building': 'What should be learned or written down.',
      },
    },
  },
} as const satisfies KindDeclaration;
