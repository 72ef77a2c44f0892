import { describe, expect, it } from 'vitest';
import { run, temporaryFolder } from './run.ts';

describe('an engine that is not there', () => {
  it.for([[['detect']], [['plan']], [['remediate', '--all']], [['remediate', '--all', '--yes']]] as const)(
    'is exit code 2 of problems %j, with what to do',
    async ([args]) => {
      await using folder = temporaryFolder();
      const env = { DOCKER_HOST: 'unix:///nowhere.sock' };
      const { code, stdout, stderr } = await run(args, { cwd: folder.path, env });
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain('unix:///nowhere.sock cannot be reached');
      expect(stderr).toContain('Start the engine, or set DOCKER_HOST');
    },
  );
});
