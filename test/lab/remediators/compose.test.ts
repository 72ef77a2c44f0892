import { access, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { approve, detect, plan, remediate, rollback } from '../../../src/app/remediation.ts';
import { compose, startProject } from '../compose.ts';
import { findGui } from '../gui.ts';
import { findInstance, query } from '../instance.ts';
import { scenarioNamed } from '../scenarios/index.ts';
import { createRun, labRuns } from '../support.ts';
import { createPortRun } from './open-ports.ts';
import { openAvailability, openNetworks } from './open-remediator.ts';

describe.skipIf(!(await labRuns()))('an instance of a Compose project', () => {
  it('moves to another port in the file of its project, stays as Compose wants it, and rolls back', async (test) => {
    const { run, ports } = await createPortRun(test);
    await scenarioNamed('compose-port').up(run, () => undefined);
    const file = join(run.folder, 'docker-compose.yml');
    const before = await readFile(file, 'utf8');
    const { port: taken = 0 } = await findInstance(run, 'shop');

    const { detected, proposals } = await plan(ports);
    expect(detected.findings).toMatchObject([{ instance: 'shop', kind: 'port-taken' }]);
    const port = Number(/ to (\d+),/.exec(JSON.stringify(proposals[0]?.plan))?.[1]);
    expect(proposals).toMatchObject([
      {
        decision: { automation: 'approve', operations: expect.arrayContaining(['edit-compose']) },
        effects: expect.arrayContaining([
          {
            step: expect.stringContaining('docker-compose up -d --no-deps db'),
            effects: [
              {
                object: expect.stringMatching(/docker-compose\.yml @@ -14 \+14 @@$/),
                before: `      - "\${DB_PORT:-${taken}}:5432" # for psql on this machine`,
                after: `      - "\${DB_PORT:-${port}}:5432" # for psql on this machine`,
              },
            ],
          },
        ]),
      },
    ]);
    expect(await readFile(file, 'utf8'), 'planning changes nothing').toBe(before);

    const { runs } = await remediate(ports);
    expect(runs).toMatchObject([{ instance: 'shop', outcome: 'awaiting-approval' }]);
    const id = runs[0]?.id ?? '';
    expect(await approve(ports, id, 'a test')).toMatchObject({
      outcome: 'fixed',
      verification: { result: 'verified' },
    });
    expect(await readFile(file, 'utf8')).toBe(before.replace(String(taken), String(port)));
    const moved = await findInstance(run, 'shop');
    expect(moved.port).toBe(port);
    expect(await query(moved, 'select count(*) from orders')).toEqual(['1000']);
    expect(await compose(run, 'shop', 'config')).toContain(String(port));
    await compose(run, 'shop', 'up', '-d');
    expect(await findInstance(run, 'shop').then(({ container }) => container.id), 'the next `up` changes nothing').toBe(
      moved.container.id,
    );
    expect(await detect(ports)).toMatchObject({ findings: [], notLookedAt: [] });

    expect(await rollback(ports, id)).toMatchObject({ outcome: 'rolled-back' });
    expect(await readFile(file, 'utf8')).toBe(before);
    const back = await findInstance(run, 'shop');
    expect(back.port).toBe(taken);
    expect((await back.container.inspect()).State.Status).toBe('created');
    expect((await detect(ports)).findings).toMatchObject([{ instance: 'shop', kind: 'port-taken' }]);
  });

  it('gets the image that fits its data in the file of its project, if its tag has moved to another version', async (test) => {
    const run = await createRun(test);
    const file = join(run.folder, 'docker-compose.yml');
    await startProject(run, { name: 'shop', port: await run.takePort() });
    await compose(run, 'shop', 'down');
    const moved = run.postgres === 17 ? 15 : 17;
    const [fitting, wrong] = [run.postgres, moved].map((major) => `problems-lab/postgres:${major}`);
    const text = (await readFile(file, 'utf8')).replace(`${fitting}`, `${wrong}`);
    await writeFile(file, text);
    await compose(run, 'shop', 'up', '-d');
    await (await findInstance(run, 'shop')).container.wait();

    const availability = await openAvailability(run);
    test.onTestFinished(() => availability.close());
    const { runs } = await remediate(availability);
    expect(runs).toMatchObject([{ instance: 'shop', outcome: 'awaiting-approval' }]);
    const id = runs[0]?.id ?? '';
    expect(await approve(availability, id, 'a test')).toMatchObject({ outcome: 'fixed' });
    expect(await readFile(file, 'utf8')).toBe(text.replace(`${wrong}`, `${fitting}`));
    const fixed = await findInstance(run, 'shop');
    expect(await query(fixed, 'select count(*) from orders')).toEqual(['1000']);
    await compose(run, 'shop', 'up', '-d');
    expect((await findInstance(run, 'shop')).container.id, 'the next `up` changes nothing').toBe(fixed.container.id);
    expect(await rollback(availability, id)).toMatchObject({ outcome: 'rolled-back' });
    expect(await readFile(file, 'utf8')).toBe(text);
  });

  it('gets back a client, and a name, in the file of its project', async (test) => {
    const run = await createRun(test);
    const file = join(run.folder, 'docker-compose.yml');
    const [client, server] = ['pgweb', 'postgres'].map((kind) => `${run.prefix}vrooli-${kind}-shop`);
    const url = `postgres://vrooli:compose-${run.id}@${server}:5432/vrooli?sslmode=disable`;
    const gui = `  gui:
    image: problems-lab/webgui:1
    container_name: ${client}
    labels: *labels
    environment:
      PGWEB_DATABASE_URL: ${url}
    networks:
      - web # for the browser
`;
    await startProject(run, { name: 'shop', port: await run.takePort(), services: gui, networks: ['web'] });
    const before = await readFile(file, 'utf8');
    const networks = await openNetworks(run);
    test.onTestFinished(() => networks.close());

    const { runs } = await remediate(networks, { yes: true });
    expect(runs).toMatchObject([{ outcome: 'fixed', steps: [{ action: 'compose.change' }] }]);
    const joined = before.replace('      - web #', '      - default\n      - web #');
    expect(await readFile(file, 'utf8')).toBe(joined);
    const made = await (await findGui(run, 'shop')).container.inspect();
    await compose(run, 'shop', 'up', '-d');
    expect((await (await findGui(run, 'shop')).container.inspect()).Id, 'the next `up` changes nothing').toBe(made.Id);
    expect(await rollback(networks, runs[0]?.id ?? '')).toMatchObject({ outcome: 'rolled-back' });
    expect(await readFile(file, 'utf8')).toBe(before);
    expect((await detect(networks)).findings).toMatchObject([{ kind: 'no-common-network' }]);

    const named = joined.replace(`@${server}:`, '@shop-db:');
    await writeFile(file, named);
    await compose(run, 'shop', 'up', '-d');
    const ofOverride = await openNetworks(
      run,
      {},
      { config: { compose: 'override', containers: `^${run.prefix}vrooli-postgres-(.+)$` } },
    );
    test.onTestFinished(() => ofOverride.close());
    const second = await remediate(ofOverride, { yes: true });
    expect(second.runs).toMatchObject([{ outcome: 'fixed', steps: [{ action: 'compose.change' }] }]);
    expect(await readFile(file, 'utf8'), 'the own file of the project stays').toBe(named);
    const override = join(run.folder, 'docker-compose.override.yml');
    expect(await readFile(override, 'utf8')).toContain('    networks: {default: {aliases: [shop-db]}}\n');
    const renamed = await findInstance(run, 'shop');
    expect(await query(renamed, 'select count(*) from orders')).toEqual(['1000']);
    await compose(run, 'shop', 'up', '-d');
    expect((await findInstance(run, 'shop')).container.id, 'the next `up` changes nothing').toBe(renamed.container.id);
    expect(await rollback(ofOverride, second.runs[0]?.id ?? '')).toMatchObject({ outcome: 'rolled-back' });
    await expect(access(override)).rejects.toThrow('ENOENT');
  });
});
