import { describe, expect, it } from 'vitest';
import type { ReadonlyHost } from '../../src/app/remediation.ts';
import { backupSettings } from '../../src/remediation/remediators/backup-repair/types.ts';
import { requestSettings } from '../../src/remediation/requests/backups.ts';
import { poolSettings } from '../../src/remediation/remediators/connection-pool/types.ts';
import { memorySettings } from '../../src/remediation/remediators/memory/types.ts';
import { migrationSettings } from '../../src/remediation/remediators/migration-lock/types.ts';
import { networkSettings } from '../../src/remediation/remediators/network-reconnect/types.ts';
import { portSettings } from '../../src/remediation/remediators/port-reassignment/types.ts';
import { volumeSettings } from '../../src/remediation/remediators/volume-permissions/types.ts';

type Host = Pick<ReadonlyHost, 'settings'>;

describe('the settings of a remediator', () => {
  it.each([
    ['backup-repair', backupSettings],
    ['backup-request', requestSettings],
    ['connection-pool', poolSettings],
    ['memory', memorySettings],
    ['migration-lock', migrationSettings],
    ['network-reconnect', networkSettings],
    ['port-reassignment', portSettings],
    ['volume-permissions', volumeSettings],
  ] as const satisfies readonly (readonly [string, (host: Host) => unknown])[])(
    'have defaults for %s, and are refused by name if they are invalid',
    (name, read) => {
      expect(read({ settings: {} })).toEqual(read({ settings: { [name]: {} } }));
      expect(() => read({ settings: { [name]: { unheardOf: true } } })).toThrow(
        expect.objectContaining({
          code: 'bad-config',
          message: expect.stringMatching(`remediation\\.settings\\.${name}: .*unheardOf`),
        }),
      );
    },
  );
});
