import type { KindDeclaration } from './declaration.ts';

export const intermittent = {
  name: 'intermittent',
  marker: 'INTERMITTENTPROBLEM',
  about: 'A problem that comes and goes.',
  header: {
    ID: { value: { type: 'id' }, about: 'Replaces the id that is made from component and title.' },
    Pattern: {
      value: {
        type: 'term',
        terms: {
          time_based: 'at certain times',
          load_based: 'under load',
          random: 'without a known rule',
          environmental: 'in certain environments',
        },
        aliases: {
          environment_based: 'environmental',
          time: 'time_based',
          load: 'load_based',
          environment: 'environmental',
        },
      },
      about: 'When it occurs.',
      required: true,
    },
    'Last Seen': { value: { type: 'date', time: true }, about: 'The day it was last observed.', required: true },
    Frequency: { value: { type: 'text' }, about: 'How often it occurs.', required: true },
    'Tracking Since': { value: { type: 'date', time: false }, about: 'The day tracking began.' },
    Tags: { value: { type: 'tags' }, about: 'Keywords.' },
  },
  sections: {
    'Problem Pattern': {
      holds: 'fields',
      about: 'How it comes and goes.',
      required: true,
      fields: {
        Triggers: 'What triggers it.',
        Conditions: 'What must be true for it to occur.',
        Duration: 'How long it lasts.',
        Recovery: 'How it ends.',
      },
    },
    'Detection Criteria': {
      holds: 'fields',
      about: 'How to tell that it is occurring.',
      required: true,
      fields: {
        Symptoms: 'What is observed.',
        Monitoring: 'What monitors it.',
        Logs: 'What the logs say.',
        Metrics: 'What the metrics show.',
      },
    },
    'Impact When Active': { holds: 'list', ordered: false, about: 'What it does while it occurs.', required: true },
    'Investigation Notes': {
      holds: 'list',
      ordered: false,
      about: 'What is known. Items often begin with Workaround, Potential solution or Long-term solution.',
    },
  },
} as const satisfies KindDeclaration;
