import { describe, expect, it } from 'vitest';
import { commandLineSettings } from '../../../src/remediation/shared/server-settings.ts';

describe('the settings of a command line', () => {
  it.for([
    [['postgres', '-c', 'max_connections=50'], { max_connections: '50' }],
    [['postgres', '-cshared_buffers=1GB'], { shared_buffers: '1GB' }],
    [['postgres', '--work-mem=8MB'], { work_mem: '8MB' }],
    [['postgres', '-N', '40', '-B', '16384'], { max_connections: '40', shared_buffers: '16384' }],
    [['postgres', '-c', 'Work_Mem=1MB', '-c', 'work_mem=2MB'], { work_mem: '2MB' }],
    [['postgres', '-c', 'search_path=a=b'], { search_path: 'a=b' }],
    [['postgres', '-c'], {}],
    [['postgres', '-D', '/data', '-p', '5433'], {}],
    [[], {}],
  ] as const)('%j says %j', ([command, settings]) => {
    expect(Object.fromEntries(commandLineSettings(command))).toEqual(settings);
  });
});
