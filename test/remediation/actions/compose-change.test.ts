import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Container } from '../../../src/host/docker/types.ts';
import { composeChange } from '../../../src/remediation/actions/compose-change.ts';
import { checkAction, createTestHost } from '../../../src/testing/index.ts';
import { labelsOf, path, text } from '../compose-project.ts';

const hashes = { from: 'a'.repeat(64), to: 'b'.repeat(64) };
const wanted = text.replace('5434', '5437');
const override = '/project/docker-compose.override.yml';

const params = {
  client: 'docker-compose' as const,
  project: { name: 'shop', folder: '/project', files: [path], environmentFile: null, profiles: [] },
  service: 'db',
  container: 'vrooli-postgres-orders',
  path,
  from: sha256(text),
  to: sha256(wanted),
  edits: [{ at: text.indexOf('5434'), before: '5434', after: '5437' }],
  hashes,
};

function sha256(content: string): string {
  return createHash('sha256').update(content).digest('hex');
}

/** A project whose client creates what the file says, with a new id. */
async function open(running: boolean, leaves?: string) {
  let up = 0;
  let container: Container | undefined;
  const host = createTestHost({
    files: { [path]: text },
    docker: {
      containers: async () => (container === undefined ? [] : [container]),
      container: async () => container,
    },
    change: {
      docker: {
        async rename(_ref, name) {
          if (container !== undefined) container = { ...container, name };
        },
      },
      compose: {
        async up(_client, { files }, _service, { start }) {
          up += 1;
          const now = (await host.acting.files.read(path))?.text;
          if (container === undefined) return;
          const hasOverride = files.includes(override) && (await host.acting.files.read(override)) !== undefined;
          const hash = now === wanted || hasOverride ? hashes.to : hashes.from;
          container = {
            ...container,
            // What docker-compose 1 leaves behind if the new container does not start.
            ...(leaves === undefined ? {} : { name: leaves }),
            labels: labelsOf(hash),
            state: { ...container.state, running: start, status: start ? 'running' : 'created' },
          };
        },
      },
    },
  });
  const [made] = await createTestHost({ instances: [{ name: 'orders' }] }).reader.docker.containers();
  if (made !== undefined) container = { ...made, labels: labelsOf(hashes.from), state: { ...made.state, running } };
  return {
    ...host,
    calls: () => up,
    world: () => [host.world(), container?.labels['com.docker.compose.config-hash'], container?.state.running],
  };
}

describe('compose.change', () => {
  it.for([true, false])('keeps its promises, on a container that runs: %j', async (running) => {
    const { acting, world } = await open(running);
    // A checkpoint before the stop is asked of a server, and this one has none.
    await checkAction({ ...composeChange, beforeInterrupt: async () => undefined }, { params, host: acting, world });
  });

  it('gives the container its name back if Compose has left it under another', async () => {
    const { acting, world } = await open(true, 'c8d561002da3_vrooli-postgres-orders');
    await composeChange.apply(params, acting);
    expect(await composeChange.isDone(params, acting, acting.run)).toBe(true);
    expect(world()).toEqual([expect.anything(), hashes.to, true]);
  });

  it('shows the line that changes, and no other', async () => {
    const { acting } = await open(false);
    expect(await composeChange.effect(params, acting)).toEqual([
      {
        object: `${path} @@ -5 +5 @@`,
        before: '    ports: ["5434:5432"] # published',
        after: '    ports: ["5437:5432"] # published',
      },
    ]);
  });

  it('leaves a file alone that another program has changed since', async () => {
    const { acting, calls } = await open(false);
    const before = await composeChange.prepare(params, acting);
    await acting.change.files.replace(path, `${text}# mine\n`, { sha256: sha256(text) });
    await expect(composeChange.prepare(params, acting)).rejects.toThrow('changed by another program');
    await expect(composeChange.apply(params, acting)).rejects.toThrow('changed by another program');
    await expect(composeChange.undo?.(params, before, acting)).rejects.toThrow('changed by another program');
    expect(calls()).toBe(0);
  });

  it('refuses edits that do not give the planned text', async () => {
    const { acting } = await open(false);
    await expect(composeChange.prepare({ ...params, to: sha256('other') }, acting)).rejects.toThrow('planned text');
    const moved = [{ at: 0, before: '5434', after: '5437' }];
    await expect(composeChange.prepare({ ...params, edits: moved }, acting)).rejects.toThrow('changed by another');
  });

  const made = 'services: {db: {mem_limit: 768m}}\n';
  const creating = {
    ...params,
    path: override,
    like: path,
    from: sha256(''),
    to: sha256(made),
    edits: [{ at: 0, before: '', after: made }],
  };

  it('keeps its promises for a new override file, with which the client is called', async () => {
    const { acting, world } = await open(true);
    await checkAction(
      { ...composeChange, beforeInterrupt: async () => undefined },
      { params: creating, host: acting, world },
    );
    expect(await composeChange.effect(creating, acting)).toEqual([{ object: override, before: 'none', after: made }]);
  });

  it('makes no override file over another, and removes none that was changed since', async () => {
    const { acting, calls } = await open(true);
    await acting.change.files.replace(override, 'services: {}\n', { sha256: undefined });
    await expect(composeChange.prepare(creating, acting)).rejects.toThrow('changed by another program');
    await expect(composeChange.apply(creating, acting)).rejects.toThrow('changed by another program');
    await expect(composeChange.undo?.(creating, { text: null, running: true }, acting)).rejects.toThrow('changed by');
    expect(calls()).toBe(0);
  });

  it('does not ask Compose again for what is done', async () => {
    const { acting, calls } = await open(true);
    await composeChange.apply(params, acting);
    await composeChange.apply(params, acting);
    expect(calls()).toBe(1);
  });
});
