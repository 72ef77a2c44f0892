import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run as runProblems } from '../../cli/run.ts';
import { createInstance, waitReady } from '../instance.ts';
import { scenarioNamed } from '../scenarios/index.ts';
import { createRun, labRuns } from '../support.ts';

/** What images of other makers do: another user, another folder, other variables, and a password over the socket too. */
const entrypoint = String.raw`#!/bin/bash
set -eu
folder=/bitnami/postgresql/data
for library in /usr/lib/*/libnss_wrapper.so; do
  NSS_WRAPPER_PASSWD=$(mktemp) NSS_WRAPPER_GROUP=$(mktemp)
  printf 'postgres:x:%s:%s::/:/bin/false\n' "$(id -u)" "$(id -g)" >"$NSS_WRAPPER_PASSWD"
  printf 'postgres:x:%s:\n' "$(id -g)" >"$NSS_WRAPPER_GROUP"
  export LD_PRELOAD=$library NSS_WRAPPER_PASSWD NSS_WRAPPER_GROUP
done
if [ ! -s $folder/PG_VERSION ]; then
  initdb -D $folder -U postgres --pwfile="$POSTGRESQL_PASSWORD_FILE" --auth=scram-sha-256 --no-sync
  echo 'host all all all scram-sha-256' >>$folder/pg_hba.conf
fi
exec postgres -D $folder
`;

interface Skipped {
  readonly instance: string;
  readonly lasting?: true;
}

describe.skipIf(!(await labRuns()))('a healthy server that clients reach in another way', { timeout: 300_000 }, () => {
  it('is checked in full, and has no finding', async (test) => {
    const run = await createRun(test);
    await scenarioNamed('layouts').up(run, () => undefined);
    const config = { remediation: { containers: `^${run.prefix}vrooli-postgres-(.+)$` } };
    await writeFile(join(run.folder, 'problems.config.json'), JSON.stringify(config));
    const { stdout } = await runProblems(['detect', '--json'], { cwd: run.folder });
    const { findings, notLookedAt, lookedAt } = JSON.parse(stdout);
    const names = ['hardened', 'host', 'readonly', 'six', 'sockets'];
    // Of other runs of the lab there may be more.
    const own = ({ instance }: { readonly instance: string }): boolean => names.includes(instance);
    expect(findings.filter(own)).toEqual([]);
    // The data of a seeded instance is in the container itself.
    expect(notLookedAt.filter((one: Skipped) => own(one) && one.lasting !== true)).toEqual([]);
    expect(lookedAt.filter(own)).toHaveLength(names.length);
  });
});

describe.skipIf(!(await labRuns()))('an image of another maker', { timeout: 300_000 }, () => {
  it('is checked by what runs in it, and a healthy one has no finding', async (test) => {
    const run = await createRun(test);
    const script = join(run.folder, 'run.sh');
    const secret = join(run.folder, 'password');
    const folder = join(run.folder, 'postgresql');
    const password = 'a password of its own';
    await Promise.all([writeFile(script, entrypoint, { mode: 0o755 }), writeFile(secret, password), mkdir(folder)]);
    await chmod(folder, 0o777);
    const started = async (name: string): Promise<void> => {
      const instance = await createInstance(run, {
        name,
        storage: 'anonymous',
        password,
        env: {
          PGDATA: '',
          PG_MAJOR: '',
          POSTGRES_USER: '',
          POSTGRES_PASSWORD: '',
          POSTGRES_DB: '',
          POSTGRESQL_PASSWORD_FILE: '/run/secrets/password',
        },
        container: { User: '1001:0', Entrypoint: ['/run.sh'], Healthcheck: { Test: ['NONE'] } },
        host: {
          Binds: [`${script}:/run.sh:ro`, `${secret}:/run/secrets/password:ro`, `${folder}:/bitnami/postgresql`],
        },
      });
      await instance.container.start();
      await waitReady({ ...instance, user: 'postgres', database: 'postgres' });
    };
    await started('other');
    const config = { remediation: { containers: `^${run.prefix}vrooli-postgres-(.+)$`, roots: [run.folder] } };
    await writeFile(join(run.folder, 'problems.config.json'), JSON.stringify(config));

    const { code, stdout } = await runProblems(['detect', '--instance', 'other', '--json'], { cwd: run.folder });
    expect({ code, ...JSON.parse(stdout) }).toMatchObject({ code: 0, findings: [], notLookedAt: [] });

    // Neither variables nor the command of the second one say that it is a server on the same data.
    await started('second');
    const both = await runProblems(['detect', '--remediator', 'shared-data', '--json'], { cwd: run.folder });
    expect(JSON.parse(both.stdout).findings.map(({ id }: { readonly id: string }) => id)).toEqual([
      'shared-data/other/two-servers',
      'shared-data/second/two-servers',
    ]);
  });
});
