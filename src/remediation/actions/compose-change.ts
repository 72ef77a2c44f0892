import { hash } from 'node:crypto';
import { z } from 'zod';
import { changedLines } from '../../compose/values.ts';
import { isOfService, serviceOf } from '../../compose/project.ts';
import type { Container } from '../../host/docker/types.ts';
import type { Action, Host, ReadonlyHost } from '../contract.ts';
import { operations } from '../operations.ts';
import { instanceIn } from './containers.ts';
import { checkpoint } from './setting.ts';
import { applyEdits, isText, plannedText, restoreText, sha256, textEdits, textOf } from './file-replace.ts';

const params = z.strictObject({
  client: z.enum(['docker compose', 'docker-compose']),
  project: z.strictObject({
    name: z.string(),
    folder: z.string(),
    files: z.array(z.string()).min(1),
    environmentFile: z.string().nullable(),
    profiles: z.array(z.string()),
  }),
  service: z.string(),
  /** The name of its container. */
  container: z.string(),
  /** The file that changes: one of the project's, or its `.env`. */
  path: z.string(),
  from: sha256,
  to: sha256,
  edits: textEdits,
  /** What Compose labels the container with before and after. */
  hashes: z.strictObject({ from: sha256, to: sha256 }),
});
const before = z.strictObject({ text: z.string(), running: z.boolean() });

type Params = z.output<typeof params>;

/**
 * The file and the container are one step, so that undo restores the file first and then has Compose create the container
 * that it describes.
 */
export const composeChange: Action<Params, z.output<typeof before>> = {
  name: 'compose.change',
  description:
    'Edits a file of a Compose project and has the Compose client recreate the container of one service. The old text is kept in the journal.',
  params,
  undoState: before,
  operation: operations['edit-compose'],
  interrupts: true,
  // Undo is a clean stop and a start too.
  deadlineMs: 480_000,
  describe: ({ client, service, path }) => `change ${path}, then run \`${client} up -d --no-deps ${service}\``,
  async effect(wanted, host) {
    return changedLines(await textOf(host, wanted.path), wanted.edits).map(({ line, before: old, after }) => ({
      object: `${wanted.path} @@ -${line} +${line} @@`,
      before: old,
      after,
    }));
  },
  async prepare(wanted, host) {
    const text = await plannedText(wanted, host);
    return { text, running: (await host.docker.container(wanted.container))?.state.running ?? false };
  },
  async isDone(wanted, host) {
    return (await isText(wanted.path, wanted.to, host)) && (await isUp(wanted, wanted.hashes.to, true, host));
  },
  async beforeInterrupt(wanted, host) {
    const container = await host.docker.container(wanted.container);
    const instance = container?.state.running === true ? await instanceIn(container, host) : undefined;
    if (instance !== undefined) await checkpoint(instance, host);
  },
  async apply(wanted, host) {
    await applyEdits(wanted, host);
    await bringUp(wanted, wanted.hashes.to, true, host);
  },
  async undo(wanted, { text, running }, host) {
    await restoreText(wanted, text, host);
    await bringUp(wanted, wanted.hashes.from, running, host);
  },
  async isUndone(wanted, { text, running }, host) {
    return (
      (await isText(wanted.path, hash('sha256', text), host)) && (await isUp(wanted, wanted.hashes.from, running, host))
    );
  },
};

/** Compose is not asked again for what is done: it would only find the same. */
async function bringUp(wanted: Params, label: string, start: boolean, host: Host): Promise<void> {
  if (await isUp(wanted, label, start, host)) return;
  await host.change.compose.up(wanted.client, wanted.project, wanted.service, { start });
  // docker-compose 1 renames the old container first, and leaves it so if the new one does not start.
  const [left, ...others] = await containersOf(wanted, host);
  if (left !== undefined && others.length === 0 && left.name !== wanted.container)
    await host.change.docker.rename(left.id, wanted.container);
}

async function isUp(wanted: Params, label: string, running: boolean, host: ReadonlyHost): Promise<boolean> {
  const [container, ...others] = await containersOf(wanted, host);
  return (
    container !== undefined &&
    others.length === 0 &&
    container.name === wanted.container &&
    container.state.running === running &&
    serviceOf(container.labels)?.hash === label
  );
}

/** The containers of the service: one, and for a moment the old and the new one. */
async function containersOf({ project, service }: Params, host: ReadonlyHost): Promise<readonly Container[]> {
  return (await host.docker.containers()).filter(({ labels }) => isOfService(labels, project.name, service));
}
