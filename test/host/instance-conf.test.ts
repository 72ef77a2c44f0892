import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseInstanceConf } from '../../src/host/instances.ts';

describe('instance.conf', () => {
  it('is read as data: plain assignments, quoted or not; the last one applies', () => {
    const text = '# made by manage\nport="5434"\nuser=\'vrooli\'\nexport database=vrooli # here\nport="5435"\r\n';
    expect(parseInstanceConf(text)).toEqual({ port: '5435', user: 'vrooli', database: 'vrooli' });
  });

  it.each([
    'port="$(reboot)"',
    'port=`reboot`',
    'port="a"; reboot',
    'port="${HOME}"',
    'port=5434 reboot',
    'source other',
    '__proto__="x"',
  ])('skips lines that need a shell: %s', (line) => {
    expect(parseInstanceConf(line)).toEqual({});
  });

  it('preserves any value that is safe between double quotes', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[^"\\$`\r\n]*$/), (value) => {
        expect(parseInstanceConf(`password="${value}"`)).toEqual({ password: value });
      }),
    );
  });
});
