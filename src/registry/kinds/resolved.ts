import type { KindDeclaration } from './declaration.ts';

export const resolved = {
  name: 'resolved',
  marker: 'RESOLVEDPROBLEM',
  about: 'A problem that was solved, and what it taught.',
  header: {
    ID: { value: { type: 'id' }, about: 'The id, where the one made from component and title is not wanted.' },
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
    Tags: { value: { type: 'tags' }, about: 'Free words to find it by.' },
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
        'Knowledge Cause': 'What nobody knew.',
      },
    },
    'Solution Implemented': {
      holds: 'fields',
      about: 'What was done.',
      required: true,
      fields: {
        'Changes Made': 'What was changed.',
        Validation: 'How it was shown to work.',
        'Rollback Plan': 'How to go back.',
        Documentation: 'Where it is written down.',
      },
    },
    'Lessons Learned': {
      holds: 'fields',
      about: 'What follows from it.',
      fields: {
        Prevention: 'How to keep it from happening again.',
        Detection: 'How to notice it sooner.',
        Response: 'How to react better.',
        'Knowledge Gaps': 'What should be written down or learned.',
      },
    },
    'Success Metrics': {
      holds: 'fields',
      about: 'How well it was solved.',
      fields: {
        'Resolution Time': 'How long the work took.',
        Effectiveness: 'Whether it came back.',
        Improvements: 'What got better by it.',
      },
    },
  },
} as const satisfies KindDeclaration;
