import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ListedEngine, openListedEngine } from '../remediation/listed-engine.ts';
import { type Folder, run, temporaryFolder } from './run.ts';

let folder: Folder;
let engine: ListedEngine;
beforeEach(async () => {
  folder = temporaryFolder();
  engine = await openListedEngine(folder.path, {}, [
    {
      Id: 'f'.repeat(64),
      Name: '/vrooli-postgres-orders',
      Config: { Image: 'postgres:17', Env: ['PG_MAJOR=17'] },
      HostConfig: {},
      State: { Status: 'exited', Running: false, ExitCode: 0 },
      Mounts: [],
      NetworkSettings: { Networks: {} },
    },
  ]);
});
afterEach(async () => {
  engine.close();
  await folder[Symbol.asyncDispose]();
});

const record = `<!-- EMBED:ACTIVEPROBLEM:START -->
### Port conflicts
**Status:** [active]
<!-- EMBED:ACTIVEPROBLEM:END -->
`;

describe('a mistyped name', () => {
  it.each([
    ['detect --instance ordrs', 'orders'],
    ['plan --instance ordrs', 'orders'],
    ['remediate --instance ordrs', 'orders'],
    ['backups ordrs', 'orders'],
    ['backups take ordrs', 'orders'],
    ['backups verify ordrs', 'orders'],
    ['backups expire ordrs', 'orders'],
    ['runs lift ordrs', 'orders'],
    ['tune ordrs', 'orders'],
    ['detect postgres/port-conflict', 'postgres/port-conflicts'],
    ['plan postgres/port-conflict', 'postgres/port-conflicts'],
  ])('is exit code 2 with the name that was meant: problems %s', async (command, meant) => {
    folder.write('resources/postgres/PROBLEMS.md', record);
    const { code, stdout, stderr } = await run(command.split(' '), { cwd: folder.path });
    expect({ code, stdout, stderr }).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(new RegExp(`Did you mean \\S*${meant}\\?`)),
    });
  });

  it('does not pass for an instance without a suspension, unless it was seen before', async () => {
    expect(await run(['runs', 'lift', 'orders'], { cwd: folder.path })).toMatchObject({ code: 0 });
    const other = await run(['runs', 'lift', 'billing'], { cwd: folder.path });
    expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining('There are: orders.') });
  });
});
