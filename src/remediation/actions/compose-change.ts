import { hash } from 'node:crypto';
import { z } from 'zod';
import { withEdits } from '../../compose/document.ts';
import { changedLines } from '../../compose/values.ts';
import { isOfService, serviceOf } from '../../compose/project.ts';
import type { Container } from '../../host/docker/types.ts';
import type { Action, Host, ReadonlyHost } from '../contract.ts';
import { operations } from '../operations.ts';
import { instanceIn } from './containers.ts';
import { checkpoint } from './setting.ts';
import { applyEdits, changed, isText, plannedText, restoreText, sha256, textEdits, textOf } from './file-replace.ts';

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
  /** The file that changes: one of the project's, its `.env`, or with `like` a new override file. */
  path: z.string(),
  /** The file of the project whose owner and mode the new file gets. The project has it from then on. */
  like: z.string().exactOptional(),
  from: sha256,
  to: sha256,
  edits: textEdits,
  /** What Compose labels the container with before and after. */
  hashes: z.strictObject({ from: sha256, to: sha256 }),
});
/** `text` null: there was no file. */
const before = z.strictObject({ text: z.string().nullable(), running: z.boolean() });

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
  describe: ({ client, service, path, like }) =>
    `${like === undefined ? 'change' : 'create'} ${path}, then run \`${client} up -d --no-deps ${service}\``,
  async effect(wanted, host) {
    if (wanted.like !== undefined) return [{ object: wanted.path, before: 'none', after: newText(wanted) }];
    return changedLines(await textOf(host, wanted.path), wanted.edits).map(({ line, before: old, after }) => ({
      object: `${wanted.path} @@ -${line} +${line} @@`,
      before: old,
      after,
    }));
  },
  async prepare(wanted, host) {
    const text = wanted.like === undefined ? await plannedText(wanted, host) : await noText(wanted, host);
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
    if (wanted.like === undefined) await applyEdits(wanted, host);
    else await create(wanted, wanted.like, host);
    await bringUp(withFile(wanted), wanted.hashes.to, true, host);
  },
  async undo(wanted, { text, running }, host) {
    if (text === null) await removeFile(wanted, host);
    else await restoreText(wanted, text, host);
    await bringUp(wanted, wanted.hashes.from, running, host);
  },
  async isUndone(wanted, { text, running }, host) {
    const isBack =
      text === null
        ? (await host.files.read(wanted.path)) === undefined
        : await isText(wanted.path, hash('sha256', text), host);
    return isBack && (await isUp(wanted, wanted.hashes.from, running, host));
  },
};

/** The project with its new override file. */
function withFile(wanted: Params): Params {
  const { path, like, project } = wanted;
  return like === undefined ? wanted : { ...wanted, project: { ...project, files: [...project.files, path] } };
}

function newText({ edits }: Params): string {
  return withEdits('', edits);
}

/** @throws ProblemsError `step-refused`: another file has its place. */
async function noText({ path, to }: Params, host: ReadonlyHost): Promise<null> {
  const file = await host.files.read(path);
  if (file !== undefined && file.sha256 !== to) throw changed(path);
  return null;
}

async function create(wanted: Params, like: string, host: Host): Promise<void> {
  if (await isText(wanted.path, wanted.to, host)) return;
  await noText(wanted, host);
  await host.change.files.replace(wanted.path, newText(wanted), { sha256: undefined, like });
}

async function removeFile({ path, to }: Params, host: Host): Promise<void> {
  const file = await host.files.read(path);
  if (file === undefined) return;
  if (file.sha256 !== to) throw changed(path);
  await host.change.files.remove(path, { sha256: to });
}

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
