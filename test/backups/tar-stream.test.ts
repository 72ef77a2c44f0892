import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tarOfFolder } from '../../src/backups/tar-stream.ts';

let top = '';
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'problems-tar-'));
});
afterEach(() => rmSync(top, { recursive: true, force: true }));

describe('the tar stream of a folder', () => {
  it('is unpacked by tar to the same folders and files, without links', async () => {
    const long = `${'a'.repeat(90)}/${'b'.repeat(90)}`;
    const files = {
      PG_VERSION: '17\n',
      'base/5/1259': '\0'.repeat(8192),
      'base/5/empty': '',
      [`${long}/c`]: 'deep',
      "a\nb'": 'odd',
    };
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(top, 'from', path, '..'), { recursive: true });
      writeFileSync(join(top, 'from', path), text);
    }
    mkdirSync(join(top, 'from/pg_notify'));
    symlinkSync('/etc/passwd', join(top, 'from/link'));
    const parts: Uint8Array[] = [];
    for await (const part of tarOfFolder(join(top, 'from'))) parts.push(part);
    mkdirSync(join(top, 'to'));
    execFileSync('tar', ['-xf', '-', '-C', join(top, 'to')], { input: Buffer.concat(parts) });
    for (const [path, text] of Object.entries(files)) expect(readFileSync(join(top, 'to', path), 'utf8')).toBe(text);
    expect(statSync(join(top, 'to/pg_notify')).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(top, 'to'))).not.toContain('link');
    expect(statSync(join(top, 'to/PG_VERSION')).mode & 0o777).toBe(0o600);
  });

  it('fails if a file cannot be read, instead of leaving it out', async () => {
    await expect(tarOfFolder(join(top, 'nowhere')).next()).rejects.toThrow('ENOENT');
  });
});
