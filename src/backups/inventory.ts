import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { ProblemsError } from '../errors.ts';
import { type Json, getString } from '../util/json.ts';
import { compareText } from '../util/compare.ts';
import { shellQuote } from '../util/quote.ts';
import { errorText, errorCode } from '../util/text.ts';
import { contentOf, type FolderContent, recognize } from './parts.ts';
import { repositoryIn } from './repositories.ts';
import { fingerprintsOf, readRecord, readVerification, unsignedProof } from './sidecar-files.ts';
import { putBackNote } from './verdict.ts';
import {
  type Backup,
  type BackupCheck,
  type BackupInventory,
  type BackupLevel,
  type BackupRepository,
  backupLevels,
  type BackupState,
  type BackupVerdict,
  type BackupVerification,
  type Fingerprints,
} from './types.ts';

/** The folders of quarantined and expired backups, below the folder of an instance. */
export const quarantined = '.quarantined';

export const expired = '.expired';

/** The file of a backup that someone has put back. */
export const putBackFile = 'put-back.json';

/** The file that records where an expired backup was. */
export function expiredMark(name: string): string {
  return `.${name}.was`;
}

/** The name of a backup that is being taken: `.<name>.part`. */
const partName = /^\.(.+)\.part$/;

/** A name of an instance or backup: a path segment without special meaning for shells or paths. */
export const segment = /^[A-Za-z0-9_][A-Za-z0-9_.:+-]{0,99}$/;

/** All backups below the folders, or those of one instance. Links that lead outside are skipped. */
export async function listBackups(folders: readonly string[], instance: string | undefined): Promise<BackupInventory> {
  const backups: Backup[] = [];
  const repositories: BackupRepository[] = [];
  const notLookedAt: { path: string; reason: string }[] = [];
  for (const parent of folders) {
    const whole = await repositoryIn(parent);
    if (whole !== undefined) {
      repositories.push(whole);
      continue;
    }
    const owners = await namesIn(parent, notLookedAt);
    notLookedAt.push(...(await looseDumps(parent, owners, '<instance>/')));
    for (const owner of instance === undefined ? owners : [instance]) {
      if (!segment.test(owner)) continue;
      const own = await repositoryIn(join(parent, owner));
      if (own !== undefined) {
        repositories.push(own);
        continue;
      }
      notLookedAt.push(...(await looseDumps(join(parent, owner), await namesIn(join(parent, owner), []), '')));
      for (const { folder, name, state } of await foldersOf(join(parent, owner), notLookedAt)) {
        try {
          const repository = await repositoryIn(folder);
          const place = await inside(folders, folder);
          if (repository !== undefined) repositories.push(repository);
          // A link such as `latest`: the backup is listed under its own name.
          else if (!(await isLinkWithin(folder, place, join(parent, owner))))
            backups.push(await readBackup(place, owner, name, state));
        } catch (error) {
          notLookedAt.push({ path: folder, reason: errorText(error) });
        }
      }
    }
  }
  backups.sort(
    (a, b) =>
      compareText(a.instance, b.instance) || compareText(a.createdAt, b.createdAt) || compareText(a.name, b.name),
  );
  return { backups, notLookedAt, ...(repositories.length === 0 ? {} : { repositories }) };
}

/** Dumps that are not in a folder of their own, so they belong to no backup. */
async function looseDumps(
  folder: string,
  names: readonly string[],
  below: string,
): Promise<readonly { readonly path: string; readonly reason: string }[]> {
  const found: { path: string; reason: string }[] = [];
  for (const name of names.slice(0, mostLoose)) {
    const path = join(folder, name);
    if (name.startsWith('.') || (await lstat(path).catch(() => undefined))?.isFile() !== true) continue;
    if ((await recognize(path, name)) === undefined) continue;
    const to = join(folder, `${below}${name.replaceAll(/[^A-Za-z0-9_.:+-]/g, '_').split('.')[0] ?? 'backup'}`);
    const command = `mkdir -p ${shellQuote(to)} && mv ${shellQuote(path)} ${shellQuote(to)}/`;
    found.push({ path, reason: `a dump must be in a folder of its own: ${command}` });
  }
  return found;
}

const mostLoose = 1_000;

async function isLinkWithin(folder: string, place: string, owner: string): Promise<boolean> {
  const isLink = (await lstat(folder).catch(() => undefined))?.isSymbolicLink() === true;
  return isLink && dirname(place) === (await real(owner));
}

/** Finds a backup by reference or path, quarantined ones included; undefined if there is none. */
export async function findBackup(folders: readonly string[], ref: string): Promise<Backup | undefined> {
  if (isAbsolute(ref)) {
    const path = await inside(folders, resolve(ref));
    return (await listBackups(folders, undefined)).backups.find(({ folder }) => folder === path);
  }
  const [owner = '', name = '', ...rest] = ref.split('/');
  if (rest.length > 0 || !segment.test(owner) || !segment.test(name)) return undefined;
  const { backups } = await listBackups(folders, owner);
  const found = backups.filter((backup) => backup.name === name);
  return found.find(({ state }) => state !== 'quarantined') ?? found[0];
}

/** Includes backups whose move there or back was interrupted: their mark exists. */
export async function listExpired(folders: readonly string[], instance: string): Promise<readonly string[]> {
  if (!segment.test(instance)) return [];
  const names = await Promise.all(folders.map((parent) => namesIn(join(parent, instance, expired), [])));
  const found = names.flat().map((name) => /^\.(.+)\.was$/.exec(name)?.[1] ?? name);
  return [...new Set(found)].filter((name) => segment.test(name)).sort(compareText);
}

export async function readFingerprints({ folder }: Backup): Promise<Fingerprints | undefined> {
  return fingerprintsOf(await readRecord(folder, 'fingerprints.json'));
}

interface Place {
  readonly folder: string;
  readonly name: string;
  readonly state: 'lies' | 'running' | 'quarantined';
}

async function foldersOf(folder: string, notLookedAt: { path: string; reason: string }[]): Promise<readonly Place[]> {
  const places: Place[] = [];
  for (const name of await namesIn(folder, notLookedAt)) {
    const taken = partName.exec(name)?.[1];
    if (name === quarantined) {
      for (const aside of await namesIn(join(folder, name), notLookedAt))
        if (segment.test(aside)) places.push({ folder: join(folder, name, aside), name: aside, state: 'quarantined' });
    } else if (taken !== undefined && segment.test(taken))
      places.push({ folder: join(folder, name), name: taken, state: 'running' });
    else if (segment.test(name)) places.push({ folder: join(folder, name), name, state: 'lies' });
  }
  const isFolder = await Promise.all(
    places.map(async (place) => (await stat(place.folder).catch(() => undefined))?.isDirectory()),
  );
  return places.filter((_, index) => isFolder[index] === true);
}

export async function readBackup(
  folder: string,
  instance: string,
  name: string,
  place: Place['state'],
): Promise<Backup> {
  const [metadata, { verification, isForeign }, prints, aside, kept, content] = await Promise.all([
    readRecord(folder, 'metadata.json'),
    readVerification(folder, `${instance}/${name}`),
    readRecord(folder, 'fingerprints.json'),
    readRecord(folder, 'quarantine.json'),
    readRecord(folder, putBackFile),
    contentOf(folder),
  ]);
  const fingerprints = fingerprintsOf(prints);
  return {
    ref: `${instance}/${name}`,
    instance,
    name,
    folder,
    state: stateOf(place, metadata),
    createdAt: await timeOf(folder, name, metadata),
    bytes: content.files.reduce((total, { bytes }) => total + bytes, 0),
    files: content.files.length,
    parts: namedParts(content, fingerprints),
    postgresVersion: getString(metadata, 'postgres_version') || null,
    verification,
    ...verdictOf(verification),
    hasFingerprints: fingerprints !== undefined,
    quarantine:
      place === 'quarantined'
        ? { at: getString(aside, 'at'), reason: getString(aside, 'reason') || 'no reason recorded' }
        : null,
    notes: [
      ...content.notes,
      ...dumpsOnly(metadata),
      ...(isForeign ? [unsignedProof] : []),
      ...(kept !== undefined && place === 'lies' ? [putBackNote] : []),
    ],
  };
}

/** Why a backup of ours has no base backup, as it was noted when it was taken. */
function dumpsOnly(metadata: Json | undefined): readonly string[] {
  const reason = getString(metadata, 'dumps_only').slice(0, 500);
  return reason === '' ? [] : [`Dumps are all there is, without a base backup: ${reason}`];
}

function namedParts({ parts }: FolderContent, fingerprints: Fingerprints | undefined): Backup['parts'] {
  return parts.map((part) => ({
    ...part,
    database: fingerprints?.databases.find(({ file }) => file === part.path)?.database ?? null,
  }));
}

function stateOf(place: Place['state'], metadata: Json | undefined): BackupState {
  if (place !== 'lies') return place;
  const status = getString(metadata, 'status');
  if (status === 'failed') return 'failed';
  return ['running', 'started', 'in_progress', 'creating'].includes(status) ? 'running' : 'complete';
}

/** `good` needs a successful restore; a failure at any level makes it `bad`. */
function verdictOf(verification: BackupVerification | null): {
  readonly verdict: BackupVerdict;
  readonly reached: BackupLevel | null;
} {
  const checks: readonly BackupCheck[] = verification?.checks ?? [];
  if (checks.some(({ result }) => result === 'failed')) return { verdict: 'bad', reached: null };
  const passed = backupLevels.filter((level) =>
    checks.some((check) => check.level === level && check.result === 'passed'),
  );
  const reached = passed.at(-1) ?? null;
  return { verdict: reached !== null && reached >= 'L4' ? 'good' : 'unproven', reached };
}

async function timeOf(folder: string, name: string, metadata: Json | undefined): Promise<string> {
  const stated = Date.parse(getString(metadata, 'created'));
  if (!Number.isNaN(stated)) return new Date(stated).toISOString();
  const parts = /(?<!\d)(\d{4})([-_.]?)(\d\d)\2(\d\d)(?:[-_T.]?(\d\d)[-_:.]?(\d\d)(?:[-_:.]?(\d\d))?)?(?!\d)/.exec(
    name,
  );
  if (parts !== null) {
    const [, year, , month, day, hour, minute = '00', second = '00'] = parts;
    const named = Date.parse(`${year}-${month}-${day}T${hour ?? '00'}:${minute}:${second}Z`);
    if (!Number.isNaN(named))
      return new Date(hour === undefined ? await timeOfDay(folder, named) : named).toISOString();
  }
  return (await stat(folder)).mtime.toISOString();
}

/** The time of the folder if it is of that day, in whatever zone; else the beginning of the day. */
async function timeOfDay(folder: string, day: number): Promise<number> {
  const hours = ((await stat(folder)).mtimeMs - day) / 3_600_000;
  return hours >= -14 && hours < 36 ? day + hours * 3_600_000 : day;
}

/** @throws ProblemsError `outside-root`: the path, with links resolved, is below none of the folders. */
export async function inside(folders: readonly string[], path: string): Promise<string> {
  const resolved = await real(path);
  for (const parent of folders) {
    const below = relative(await real(parent), resolved);
    if (below !== '' && below !== '..' && !below.startsWith(`..${sep}`) && !isAbsolute(below)) return resolved;
  }
  throw new ProblemsError('outside-root', `${path} is outside the backup folders.`, {
    hint: 'Add its folder to `remediation.backupFolders` in the configuration.',
  });
}

async function real(path: string): Promise<string> {
  return realpath(path).catch(() => resolve(path));
}

async function namesIn(folder: string, notLookedAt: { path: string; reason: string }[]): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).sort(compareText);
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR'].includes(errorCode(error))) notLookedAt.push({ path: folder, reason: errorText(error) });
    return [];
  }
}
