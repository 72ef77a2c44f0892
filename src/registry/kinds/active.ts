import type { KindDeclaration } from './declaration.ts';
import { resourceCost, urgency } from './terms.ts';

export const active = {
  name: 'active',
  marker: 'ACTIVEPROBLEM',
  about: 'A problem that stands now.',
  header: {
    ID: { value: { type: 'id' }, about: 'The id, where the one made from component and title is not wanted.' },
    Status: {
      value: {
        type: 'term',
        terms: {
          active: 'it happens and nobody works on it yet',
          investigating: 'somebody looks for the cause',
          blocked: 'the work waits for something else',
          resolved: 'it no longer happens',
          "won't-fix": 'it stays as it is, on purpose',
        },
        aliases: { ignored: "won't-fix" },
      },
      about: 'Where the work on it stands.',
      required: true,
    },
    Severity: {
      value: {
        type: 'term',
        terms: {
          critical: 'data or the whole service is in danger',
          high: 'an important function fails',
          medium: 'a function is hampered',
          low: 'a nuisance',
        },
      },
      about: 'How bad it is when it happens.',
      required: true,
    },
    Frequency: {
      value: {
        type: 'term',
        terms: {
          constant: 'always',
          frequent: 'several times a day',
          occasional: 'weekly',
          rare: 'monthly or less',
        },
      },
      about: 'How often it happens.',
      required: true,
    },
    Impact: {
      value: {
        type: 'term',
        terms: {
          system_down: 'the system does not work',
          degraded_performance: 'the system is slow or partly unavailable',
          user_impact: 'users notice',
          cosmetic: 'it only looks wrong',
        },
      },
      about: 'What it does to the system.',
      required: true,
    },
    Discovered: { value: { type: 'date', time: false }, about: 'The day it was first seen.', required: true },
    'Discovered By': { value: { type: 'text' }, about: 'Who or what found it.' },
    'Last Occurrence': {
      value: { type: 'date', time: true },
      about: 'The day, and the time where known, it last happened.',
    },
    Tags: { value: { type: 'tags' }, about: 'Free words to find it by.' },
  },
  sections: {
    Description: { holds: 'prose', about: 'What happens.', required: true },
    'Reproduction Steps': { holds: 'list', ordered: true, about: 'How to make it happen.', required: true },
    'Impact Assessment': {
      holds: 'fields',
      about: 'Who and what it hurts.',
      required: true,
      fields: {
        'Users Affected': 'Who notices it.',
        'Business Impact': 'What it costs.',
        'Technical Impact': 'What stops working.',
        'Urgency Factors': 'What makes it worse with time.',
      },
    },
    'Investigation Status': {
      holds: 'fields',
      about: 'What is known about the cause.',
      required: true,
      fields: {
        'Root Cause': 'Why it happens, or that this is unknown or suspected.',
        Workarounds: 'How to live with it until it is fixed.',
        'Related Issues': 'Other records, by id or title.',
        'Attempted Solutions': 'What was tried, and how it ended.',
      },
    },
    'Priority Estimates': {
      holds: 'yaml',
      about: 'The estimates that the priority is computed from.',
      required: true,
      keys: {
        impact: {
          value: { type: 'number', minimum: 1, maximum: 10 },
          about: 'How much is gained by fixing it, 1 to 10.',
          required: true,
        },
        urgency: { value: urgency, about: 'How soon it must be fixed.', required: true },
        success_prob: {
          value: { type: 'number', minimum: 0, maximum: 1 },
          about: 'How likely a fix succeeds, 0 to 1.',
          required: true,
        },
        resource_cost: { value: resourceCost, about: 'How much work a fix is.', required: true },
      },
    },
    Evidence: {
      holds: 'yaml',
      about: 'What was seen, word for word.',
      keys: {
        error_messages: { value: { type: 'texts' }, about: 'Messages as they were printed.' },
        metrics: { value: { type: 'text-map' }, about: 'Names of metrics and what they showed.' },
        logs: { value: { type: 'texts' }, about: 'Lines or names of logs.' },
      },
    },
    'Proposed Solution': { holds: 'prose', about: 'What would fix it.' },
    Tags: { holds: 'tags', about: 'Free words to find it by.' },
  },
} as const satisfies KindDeclaration;
