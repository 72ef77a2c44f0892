import { describe, expect, it } from 'vitest';
import { rootCauseKnowledge } from '../../src/priority/index.ts';

describe('a root cause', () => {
  it.each([
    undefined,
    '',
    '  ',
    'Unknown',
    'unknown, perhaps a lock',
    'TBD',
    'n/a',
    '?',
    'Not yet identified',
    'Under investigation',
    'To be determined',
    'none',
  ])('is unknown: %j', (text) => expect(rootCauseKnowledge(text)).toBe('unknown'));

  it.each([
    'Suspected: a race',
    'We suspect the proxy',
    'Probably a timeout',
    'The cause is most likely a leak',
    'A leak (unconfirmed)',
    'A leak?',
  ])('is suspected: %j', (text) => expect(rootCauseKnowledge(text)).toBe('suspected'));

  it.each([
    'A refusal is taken for a free port',
    'Each new instance makes a clash likely',
    'No lock is taken',
    'Notifications pile up',
  ])('is known: %j', (text) => expect(rootCauseKnowledge(text)).toBe('known'));
});
