import { describe, expect, it } from 'vitest';
import { isValue, knownSetting, unfitValue } from '../../src/postgres/settings.ts';

describe('a setting that remediators may change', () => {
  it.for([
    ['shared_buffers', '512MB'],
    ['work_mem', '64kB'],
    ['autovacuum_work_mem', '-1'],
    ['idle_in_transaction_session_timeout', '10min'],
    ['statement_timeout', '0'],
    ['max_connections', '200'],
    ['archive_mode', 'on'],
    ['archive_command', "test ! -f '/backup/%f' && cp '%p' '/backup/%f'"],
  ] as const)('%s may be %s', ([name, value]) => {
    expect(unfitValue(name, value)).toBeUndefined();
  });

  it.for([
    ['shared_buffers', '512', 'unit'],
    ['shared_buffers', '900GB', 'bounds'],
    ['shared_buffers', '-1', 'unit'],
    ['work_mem', "4MB'; DROP TABLE orders; --", 'unit'],
    ['max_connections', '1', 'bounds'],
    ['max_connections', '2e3', 'number'],
    ['archive_mode', 'always', 'on, off'],
    ['archive_command', 'one\ntwo', 'one line'],
    ['fsync', 'off', 'not a setting'],
    ['full_page_writes', 'off', 'not a setting'],
    ['constructor', 'x', 'not a setting'],
    ['wal_level', 'minimal', 'replica'],
  ] as const)('%s may not be %j', ([name, value, why]) => {
    expect(unfitValue(name, value)).toContain(why);
  });

  it('is compared in the server’s units', () => {
    expect(isValue('shared_buffers', '64MB', '8192', '8kB')).toBe(true);
    expect(isValue('max_wal_size', '1GB', '1024', 'MB')).toBe(true);
    expect(isValue('statement_timeout', '1min', '60000', 'ms')).toBe(true);
    expect(isValue('archive_timeout', '0', '0', 's')).toBe(true);
    expect(isValue('autovacuum_work_mem', '-1', '-1', 'kB')).toBe(true);
    expect(isValue('work_mem', '4MB', '4095', 'kB')).toBe(false);
    expect(isValue('log_line_prefix', '%m', '%m', null)).toBe(true);
  });

  it('never turns durability off', () => {
    for (const name of ['fsync', 'full_page_writes', 'synchronous_commit', 'zero_damaged_pages', 'data_checksums'])
      expect(knownSetting(name)).toBeUndefined();
  });
});
