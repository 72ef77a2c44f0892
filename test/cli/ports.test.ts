import { describe, expect, it } from 'vitest';
import { run, temporaryFolder } from './run.ts';

describe('problems ports and preflight with a wrong command line', () => {
  it.for([
    [['ports', 'lease'], 'Missing instance name'],
    [['ports', 'leese', 'orders'], 'leese'],
    [['ports', 'lease', 'orders', '--ttl', '0'], 'ttl'],
    [['preflight'], 'Nothing to check'],
    [['preflight', '--port', '70000'], 'Invalid port 70000'],
    [['preflight', '--memory', 'lots'], 'Invalid size "lots"'],
  ] as const)('problems %s is refused before any request to the engine', async ([args, message]) => {
    await using folder = temporaryFolder();
    const { code, stdout, stderr } = await run(args, {
      cwd: folder.path,
    });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
  });

  it('exit with 2 if the engine does not answer', async () => {
    await using folder = temporaryFolder();
    expect(await run(['ports'], { cwd: folder.path })).toMatchObject({ code: 2, stdout: '' });
    expect(await run(['preflight', '--port', '5440'], { cwd: folder.path })).toMatchObject({
      code: 2,
      stdout: '',
    });
  });
});
