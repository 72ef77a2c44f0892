import type { KindDeclaration } from './declaration.ts';

export const resolved = {
  name: 'resolved',
  marker: 'RESOLVEDPROBLEM',
  about: 'A problem that was solved, and its lessons.',
  header: {
    ID: { value: { type: 'id' }, about: 'Replaces the id that is made from component and title.' },
    Resolved: { value: { type: 'date', time: true }, about: 'The day it was solved.', required: true },
    Duration: { value: { type: 'text' }, about: 'From discovery to solution.' },
    Resolution: {
      value: {
        type: 'term',
        terms: {
          code_fix: 'the code was changed',
          configuration: 'a setting was changed',
          infrastructure: 'machines, networks or storage were changed',
          process: 'the way of working was changed',
        },
        aliases: { config: 'configuration', code: 'code_fix' },
      },
      about: 'What kind of change solved it.',
      required: true,
    },
    'Resolved By': { value: { type: 'text' }, about: 'Who or what solved it.' },
    Tags: { value: { type: 'tags' }, about: 'Keywords.' },
  },
  sections: {
    'Problem Summary': { holds: 'prose', about: 'What happened.', required: true },
    'Root Cause': {
      holds: 'fields',
      about: 'Why it happened.',
      required: true,
      fields: {
        'Technical Cause': 'What was wrong in the system.',
        'Process Cause': 'What was wrong in the way of working.',
        'Knowledge Cause': 'What was not known.',
      },
    },
    'Solution Implemented': {
      holds: 'fields',
      about: 'What was done.',
      required: true,
      fields: {
        'Changes Made': 'What was changed.',
        Validation: 'How the solution was verified.',
        'Rollback Plan': 'How to undo the solution.',
        Documentation: 'Where it is documented.',
      },
    },
    'Lessons Learned': {
      holds: 'fields',
      about: 'What to do differently.',
      fields: {
        Prevention: 'How to prevent it.',
        Detection: 'How to notice it sooner.',
        Response: 'How to respond better.',
        'Knowledge Gaps': 'What should be documented or learned.',
      },
    },
    'Success Metrics': {
      holds: 'fields',
      about: 'How well it was solved.',
      fields: {
        'Resolution Time': 'How long the work took.',
        Effectiveness: 'Whether the problem recurred.',
        Improvements: 'What it improved.',
      },
    },
  },
} as const satisfies KindDeclaration;
