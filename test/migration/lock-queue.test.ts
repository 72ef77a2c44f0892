import { describe, expect, it } from 'vitest';
import { type QueueHead, queueText, withoutLiterals } from '../../src/migration/lock-queue.ts';

const head: QueueHead = {
  pid: 412,
  role: 'app',
  database: 'shop',
  application: 'web',
  state: 'idle in transaction',
  since: '2026-03-01T11:55:00Z',
  statement: "update orders set note = 'private' where id = 17",
};

describe('the session at the head of a queue', () => {
  it('is named with what it does, since when, and its last statement', () => {
    expect(queueText(head, 3)).toBe(
      'pid 412 (role app in shop, application web, idle in transaction since 2026-03-01T11:55:00Z) holds the lock; 3 sessions wait for it; its last statement: update orders set note = ? where id = ?',
    );
  });

  it.for<readonly [string, Partial<QueueHead>, string]>([
    [
      'runs a statement',
      { state: 'active', application: '', statement: 'vacuum full orders' },
      'pid 412 (role app in shop, active since 2026-03-01T11:55:00Z) holds the lock; 1 session waits for it; it runs: vacuum full orders',
    ],
    [
      'is hidden from the role that asks',
      { state: '', since: '', statement: '<insufficient privilege>' },
      'pid 412 (role app in shop, application web) holds the lock; 1 session waits for it',
    ],
    ['is a prepared transaction', { pid: 0 }, 'a prepared transaction holds the lock; 1 session waits for it'],
    ['is a worker', { role: '' }, 'pid 412, which is not a client session, holds the lock; 1 session waits for it'],
  ])('%s', ([, more, text]) => {
    expect(queueText({ ...head, ...more }, 1)).toBe(text);
  });
});

describe('a statement without literals', () => {
  it.for([
    ["alter role app password 'secret'", 'alter role app password ?'],
    ["select 'C:\\', 'secret'", 'select ?, ?'],
    ["select E'it\\'s', $tag$secret$tag$, U&'x', 1.5e3", 'select ?, ?, ?, ?'],
    ["select 1 -- 'secret'\n/* 'secret' */ from \"Orders\"", 'select ? from "Orders"'],
    // The server cuts a long statement off, here within a literal.
    ["insert into t values ('secr", 'insert into t values (?'],
    ['', ''],
  ] as const)('%j is %j', ([sql, words]) => {
    expect(withoutLiterals(sql)).toBe(words);
  });

  it('is cut off', () => {
    expect(withoutLiterals(`select ${'a, '.repeat(200)}`)).toHaveLength(160);
  });
});
