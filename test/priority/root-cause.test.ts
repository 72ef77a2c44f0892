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
    'None identified so far',
    'TBD: perhaps the lock',
    '**Unknown**',
    'unknown (perhaps a lock)',
    'Unknown cause',
    'Unknown why it comes at night',
    'Still unclear',
    'The cause is unknown.',
    'The cause remains unclear, since logs are missing',
    'The cause has not been found',
    'It is still not clear which lock is held',
    'Not yet found',
    'The exact reason is under investigation by the team',
    'A lock, to be investigated',
  ])('is unknown: %j', (text) => expect(rootCauseKnowledge(text)).toBe('unknown'));

  it.each([
    'Suspected: a race',
    'We suspect the proxy',
    'Probably a timeout',
    'The cause is most likely a leak',
    'A leak (unconfirmed)',
    'A leak?',
    'A leak, not yet confirmed',
    'Unconfirmed: a leak',
  ])('is suspected: %j', (text) => expect(rootCauseKnowledge(text)).toBe('suspected'));

  it.each([
    'A refusal is taken for a free port',
    'Each new instance makes a clash likely',
    'No lock is taken',
    'Notifications pile up',
    'a bug: unknown hosts are tried for 30 s',
    'Unknown users are let in',
    'The name is unknown to the resolver',
    'A host that the resolver calls unknown is asked again',
    'The module is not found by the loader',
    'It looks for files to be found elsewhere',
    'The rows under investigation are locked',
    'It is not known to the proxy that the server has moved',
    'The client takes unconfirmed writes for done',
  ])('is known: %j', (text) => expect(rootCauseKnowledge(text)).toBe('known'));
});
