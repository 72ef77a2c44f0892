import { hash } from 'node:crypto';
import { type ComposeFile, type Edit, readComposeFile, type SourceFile } from '../../compose/document.ts';
import { differingPaths } from '../../compose/output.ts';
import { changedLines, type ComposeEdit } from '../../compose/values.ts';
import {
  type ComposeService,
  type ComposeSources,
  profilesOf,
  isOfService,
  projectNameOf,
  serviceOf,
  statedFiles,
  unsafeSource,
} from '../../compose/project.ts';
import type { ComposeClient, ComposeConfig, ProjectFiles } from '../../host/compose/types.ts';
import type { Container } from '../../host/docker/types.ts';
import type { Instance } from '../../host/instance.ts';
import { get, isObject, type Json } from '../../util/json.ts';
import { errorText } from '../../util/text.ts';
import type { Precondition, ReadonlyHost, Refusal, Step } from '../contract.ts';
import { inOverride, isSame, type NoTarget, type Target, textOf } from './compose-override.ts';
import { refusal } from './for-each-instance.ts';

/** What a repair changes in the files of a container's Compose project. */
export interface ComposeChange {
  readonly container: Container;
  /** Where an instance has its data. */
  readonly dataMount?: Instance['dataMount'];
  /** The key of the service that changes, such as `ports`. Nothing else of the service may. */
  readonly key: string;
  /** A section of the project, such as `networks`, that gets a new entry if it has none for this change. */
  readonly section?: 'networks' | 'volumes';
  /** Finds the smallest edit. */
  edit(sources: ComposeSources): ComposeEdit;
  /** Further changes of the same file, for other programs that read it. In order. */
  alsoIn?(path: string): readonly Edit[];
  /** The change as a clause in the imperative, without the file: `change port 5434 to 5437`. */
  readonly inWords: string;
  readonly why: string;
  readonly expects: readonly Precondition[];
}

export interface PlannedComposeChange {
  readonly type: 'planned';
  readonly step: Step;
  /** The file that changes. */
  readonly path: string;
  /** The label `config-hash` that the new container has. */
  readonly hash: string;
  /** What else follows, one sentence each. */
  readonly notes: readonly string[];
}

/** Whether a change of this container belongs into the files of its Compose project. */
export function isInCompose({ labels }: Container): boolean {
  return projectNameOf(labels) !== undefined;
}

/**
 * Plans one change of a Compose project, if it is certain to be the only one: the files say exactly what the container is,
 * and the client itself says that they differ in nothing but this key afterwards. Else refuses, with the edit in words.
 */
export async function planComposeChange(
  change: ComposeChange,
  host: ReadonlyHost,
): Promise<PlannedComposeChange | Refusal> {
  const { container } = change;
  const service = serviceOf(container.labels);
  if (service === undefined)
    return refuse(
      change,
      'Its labels do not say where the files of the project are.',
      `${change.inWords} in ${statedFiles(container.labels)}`,
    );
  const sources = await sourcesOf(service, host);
  if (typeof sources === 'string') return refuse(change, sources, `${change.inWords} in ${service.files.join(' or ')}`);
  const edit = change.edit(sources);
  if (edit.type === 'unclear')
    return refuse(change, edit.reason, edit.instead ?? `${change.inWords} in ${service.files.join(' or ')}`);
  const text =
    [...sources.files.map(({ file }) => file), sources.environment].find((file) => file?.path === edit.path)?.text ??
    '';
  const edits = merged(edit.edits, change.alsoIn?.(edit.path) ?? []);
  const inPlace: Target = { type: 'target', path: edit.path, text, edits };
  const byHand = changedLines(text, edits)
    .map(
      ({ line, before, after }) => `change \`${before.trim()}\` to \`${after.trim()}\` in line ${line} of ${edit.path}`,
    )
    .join(', ');
  const client = await clientFor(change, service, sources, host);
  if (typeof client === 'string') return refuse(change, client, byHand);
  const after = await host.compose.config(client.name, client.project, service.service, {
    path: edit.path,
    text: textOf(inPlace),
  });
  const differences = compare(client.config, after, service.service, change);
  if (typeof differences === 'string') return refuse(change, differences, byHand);
  const found =
    host.compose.mode === 'override' && after.ok
      ? await overridden({ change, client, after: after.config, service, sources, inPlace, byHand }, host)
      : { target: inPlace, ...differences };
  if ('reason' in found) return refuse(change, found.reason, found.byHand, found.options);
  const { target } = found;
  const made =
    target.like === undefined
      ? []
      : [`Compose reads ${target.path} by itself. Whoever starts the project with -f has to name it too.`];
  return {
    type: 'planned',
    path: target.path,
    hash: found.hash,
    notes: [
      ...made,
      ...found.others.map(
        (other) =>
          `The service ${other} reads the new value too, when it is created next: docker compose up -d --no-deps ${other}`,
      ),
    ],
    step: {
      action: 'compose.change',
      params: {
        client: client.name,
        project: { ...client.project, profiles: [...client.project.profiles], files: [...client.project.files] },
        service: service.service,
        container: container.name,
        path: target.path,
        ...(target.like === undefined ? {} : { like: target.like }),
        from: hash('sha256', target.text),
        to: hash('sha256', textOf(target)),
        edits: target.edits.map((one) => ({ ...one })),
        hashes: { from: service.hash, to: found.hash },
      },
      why: change.why,
      expects: change.expects,
    },
  };
}

interface InOverride {
  readonly change: ComposeChange;
  readonly client: FittingClient;
  /** What the client says after the edit of the project's own files. */
  readonly after: Json;
  readonly service: ComposeService;
  readonly sources: ComposeSources;
  readonly inPlace: Target;
  readonly byHand: string;
}

/** The same change in the override file, or why there is none. */
async function overridden(
  { change, client, after, service, sources, inPlace, byHand }: InOverride,
  host: ReadonlyHost,
): Promise<{ readonly target: Target; readonly hash: string; readonly others: readonly string[] } | NoTarget> {
  const { key, section } = change;
  const wanted = { before: client.config, after, service: service.service, key, ...(section && { section }) };
  const target = await inOverride({ ...wanted, inPlace }, service, sources, host);
  if (target.type === 'none') return target;
  const files = target.like === undefined ? service.files : [...service.files, target.path];
  const config = await host.compose.config(client.name, { ...client.project, files }, service.service, {
    path: target.path,
    text: textOf(target),
  });
  const differences = compare(client.config, config, service.service, change);
  if (typeof differences === 'string') return { type: 'none', reason: differences, byHand };
  if (!config.ok || !isSame(wanted, config.config) || differences.others.length > 0)
    return {
      type: 'none',
      reason: `Compose joins the ${key} of an override with that of the file instead of replacing it.`,
      byHand: `${byHand}, or from Compose 2.24.4 on state \`${key}: !override …\` in ${target.path}`,
    };
  return { target, ...differences };
}

/** The files as they are, or why they are not edited. */
async function sourcesOf(service: ComposeService, host: ReadonlyHost): Promise<ComposeSources | string> {
  const files: ComposeFile[] = [];
  for (const path of service.files) {
    const file = await ownFile(path, host);
    if (file === undefined) return `${path} does not exist.`;
    if (typeof file === 'string') return file;
    const compose = await readComposeFile(file);
    if (typeof compose === 'string') return compose;
    files.push(compose);
  }
  const environment = await ownFile(service.environmentFile ?? `${service.folder}/.env`, host);
  if (typeof environment === 'string') return environment;
  if (environment === undefined && service.environmentFile !== null)
    return `${service.environmentFile} does not exist.`;
  const sources = { files, environment };
  return unsafeSource(sources) ?? sources;
}

async function ownFile(path: string, host: ReadonlyHost): Promise<SourceFile | string | undefined> {
  try {
    const file = await host.files.read(path);
    if (file?.foreign !== undefined) return `${path} ${file.foreign}.`;
    // What is not UTF-8 could not be written back as it was.
    return file?.text.includes('\uFFFD') === true ? `${path} is not UTF-8.` : file;
  } catch (error) {
    return errorText(error);
  }
}

interface FittingClient {
  readonly name: ComposeClient;
  readonly project: ProjectFiles;
  readonly config: Json;
}

/** A client for which the files say exactly what the container is, or why there is none. */
async function clientFor(
  { container, dataMount }: ComposeChange,
  service: ComposeService,
  sources: ComposeSources,
  host: ReadonlyHost,
): Promise<FittingClient | string> {
  if (host.compose.mode === 'refuse') return 'The config says that Compose files are not edited.';
  if (dataMount?.anonymous === true)
    return `Its data is in a volume without a name (${dataMount.destination}), which only the old container holds: name it first.`;
  const twins = (await host.docker.containers()).filter(
    ({ id, labels }) => id !== container.id && isOfService(labels, service.name, service.service),
  );
  if (twins.length > 0) return `The service ${service.service} has ${twins.length + 1} containers.`;
  const image = await host.docker.image(container.imageName).catch(() => undefined);
  if (image?.id !== container.image)
    return `The image ${container.imageName} is another one now than that of the container, which would be replaced with it.`;
  const names = await host.compose.clients();
  if (names.length === 0) return 'There is no Compose client on this machine to check and apply the change.';
  const project: ProjectFiles = {
    name: service.name,
    folder: service.folder,
    files: service.files,
    environmentFile: service.environmentFile,
    profiles: profilesOf(sources, service.service),
  };
  let said = `The files say something else than what ${container.name} was created with, and that would change too.`;
  for (const name of names) {
    const answer = await host.compose.config(name, project, service.service);
    if (!answer.ok) said = `${name} cannot read the project: ${answer.message}`;
    else if (answer.hash === service.hash) return { name, project, config: answer.config };
  }
  return said;
}

/** The services that change too; a text says why the change is not made. */
function compare(
  before: Json,
  after: ComposeConfig,
  service: string,
  { key, section }: ComposeChange,
): { readonly hash: string; readonly others: readonly string[] } | string {
  if (!after.ok) return `The Compose client does not accept the change: ${after.message}`;
  const paths = differingPaths(withSection(before, section), withSection(after.config, section));
  const isMeant = ([part, name = '', changed]: readonly string[]): boolean =>
    part === 'services'
      ? name !== service || changed === key
      : section !== undefined && part === section && get(before, section, name) === undefined;
  const stray = paths.filter((path) => !isMeant(path));
  if (!paths.some(([part, name]) => part === 'services' && name === service))
    return 'The change makes no difference to the Compose client.';
  if (stray.length > 0) return `It would also change ${stray.map((path) => path.join('.')).join(', ')}.`;
  const others = paths.flatMap(([part, name = '']) => (part === 'services' && name !== service ? [name] : []));
  return { hash: after.hash, others: [...new Set(others)] };
}

/** A section that is not there is an empty one. */
function withSection(config: Json, section: string | undefined): Json {
  return section !== undefined && isObject(config) && (config[section] ?? null) === null
    ? { ...config, [section]: {} }
    : config;
}

/** Both lists in one, in order; of two that overlap the first stays. */
function merged(first: readonly Edit[], second: readonly Edit[]): readonly Edit[] {
  const rest = second.filter(
    ({ at, before }) => !first.some((edit) => at < edit.at + edit.before.length && edit.at < at + before.length),
  );
  return [...first, ...rest].sort((a, b) => a.at - b.at);
}

function refuse({ container }: ComposeChange, reason: string, byHand: string, options = ''): Refusal {
  const project = projectNameOf(container.labels) ?? '';
  const service = serviceOf(container.labels);
  const where = service === undefined ? '' : ` in ${service.folder}`;
  const sentence = `${byHand.charAt(0).toUpperCase()}${byHand.slice(1)}`;
  return refusal(
    `${container.name} belongs to the Compose project ${project}, and its files are not changed automatically. ${reason}`,
    `${sentence}, then run${where}: docker compose ${options === '' ? '' : `${options} `}up -d --no-deps ${service?.service ?? '<service>'}`,
  );
}
