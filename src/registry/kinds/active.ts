import type { KindDeclaration } from './declaration.ts';
import { resourceCost, urgency } from './terms.ts';

export const active = {
  name: 'active',
  marker: 'ACTIVEPROBLEM',
  about: 'A problem that exists now.',
  header: {
    ID: { value: { type: 'id' }, about: 'Replaces the id that is made from component and title.' },
    Status: {
      value: {
        type: 'term',
        terms: {
          active: 'it happens, and no one works on it yet',
          investigating: 'the cause is being investigated',
          blocked: 'work on it waits for something else',
          resolved: 'it no longer happens',
          "won't-fix": 'it will not be fixed, on purpose',
        },
        aliases: { ignored: "won't-fix" },
      },
      about: 'The state of the work on it.',
      required: true,
    },
    Severity: {
      value: {
        type: 'term',
        terms: {
          critical: 'data or the whole service is at risk',
          high: 'an important function fails',
          medium: 'a function works badly',
          low: 'a nuisance',
        },
      },
      about: 'How bad it is when it occurs.',
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
      about: 'How often it occurs.',
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
    Discovered: { value: { type: 'date', time: false }, about: 'The day it was first observed.', required: true },
    'Discovered By': { value: { type: 'text' }, about: 'Who or what discovered it.' },
    'Last Occurrence': {
      value: { type: 'date', time: true },
      about: 'The day, and the time if known, when it last occurred.',
    },
    Tags: { value: { type: 'tags' }, about: 'Keywords.' },
  },
  sections: {
    Description: { holds: 'prose', about: 'What happens.', required: true },
    'Reproduction Steps': { holds: 'list', ordered: true, about: 'How to reproduce it.', required: true },
    'Impact Assessment': {
      holds: 'fields',
      about: 'Who and what it affects.',
      required: true,
      fields: {
        'Users Affected': 'Who is affected.',
        'Business Impact': 'What it costs.',
        'Technical Impact': 'What stops working.',
        'Urgency Factors': 'What makes it worse over time.',
      },
    },
    'Investigation Status': {
      holds: 'fields',
      about: 'What is known about the cause.',
      required: true,
      fields: {
        'Root Cause': 'Why it happens, and whether that is known, suspected or unknown.',
        Workarounds: 'How to live with it until it is fixed.',
        'Related Issues': 'Related records, by id or title.',
        'Attempted Solutions': 'What was tried, and the result.',
      },
    },
    'Priority Estimates': {
      holds: 'yaml',
      about: 'The estimates from which the priority is computed.',
      required: true,
      keys: {
        impact: {
          value: { type: 'number', minimum: 1, maximum: 10 },
          about: 'How much a fix gains, 1 to 10.',
          required: true,
        },
        urgency: { value: urgency, about: 'How soon it must be fixed.', required: true },
        success_prob: {
          value: { type: 'number', minimum: 0, maximum: 1 },
          about: 'How likely a fix is to succeed, 0 to 1.',
          required: true,
        },
        resource_cost: { value: resourceCost, about: 'How much work a fix takes.', required: true },
      },
    },
    Evidence: {
      holds: 'yaml',
      about: 'What was observed, verbatim.',
      keys: {
        error_messages: { value: { type: 'texts' }, about: 'Error messages, verbatim.' },
        metrics: { value: { type: 'text-map' }, about: 'Names of metrics and their values.' },
        logs: { value: { type: 'texts' }, about: 'Log lines, or names of log files.' },
      },
    },
    'Proposed Solution': { holds: 'prose', about: 'What would fix it.' },
    Tags: { holds: 'tags', about: 'Keywords.' },
  },
} as const satisfies KindDeclaration;
