import type { KindDeclaration } from './declaration.ts';

export const intermittent = {
  name: 'intermittent',
  marker: 'INTERMITTENTPROBLEM',
  about: 'A problem that comes and goes.',
  header: {
    ID: { value: { type: 'id' }, about: 'The id, where the one made from component and title is not wanted.' },
    Pattern: {
      value: {
        type: 'term',
        terms: {
          time_based: 'at certain times',
          load_based: 'under load',
          random: 'with no known rule',
          environmental: 'in certain environments',
        },
        aliases: {
          environment_based: 'environmental',
          time: 'time_based',
          load: 'load_based',
          environment: 'environmental',
        },
      },
      about: 'When it comes.',
      required: true,
    },
    'Last Seen': { value: { type: 'date', time: true }, about: 'The day it was last seen.', required: true },
    Frequency: { value: { type: 'text' }, about: 'How often it comes.', required: true },
    'Tracking Since': { value: { type: 'date', time: false }, about: 'The day the watch began.' },
    Tags: { value: { type: 'tags' }, about: 'Free words to find it by.' },
  },
  sections: {
    'Problem Pattern': {
      holds: 'fields',
      about: 'How it comes and goes.',
      required: true,
      fields: {
        Triggers: 'What sets it off.',
        Conditions: 'What must be the case.',
        Duration: 'How long it lasts.',
        Recovery: 'How it ends.',
      },
    },
    'Detection Criteria': {
      holds: 'fields',
      about: 'How to tell that it is there.',
      required: true,
      fields: {
        Symptoms: 'What is seen.',
        Monitoring: 'What watches for it.',
        Logs: 'What the logs say.',
        Metrics: 'What the metrics show.',
      },
    },
    'Impact When Active': { holds: 'list', ordered: false, about: 'What it does while it is there.', required: true },
    'Investigation Notes': {
      holds: 'list',
      ordered: false,
      about: 'What is known; items often begin with Workaround, Potential solution or Long-term solution.',
    },
  },
} as const satisfies KindDeclaration;
