import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';

/** An image of the lab: which layers of a build it is made of, and its configuration as the Docker API spells it. */
export interface ImageRecipe {
  readonly tag: string;
  readonly layers: readonly string[];
  readonly config: ImageConfig;
}

export interface ImageConfig {
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  readonly ExposedPorts: Readonly<Record<string, object>>;
  readonly Volumes?: Readonly<Record<string, object>>;
  readonly StopSignal?: string;
}

/** What one call of build.sh makes: the layers of one Debian suite and one PostgreSQL version, and the images of them. */
export interface Build {
  readonly suite: string;
  readonly major: number;
  readonly images: readonly ImageRecipe[];
}

const volume = '/var/lib/postgresql/data';

/** The versions of PostgreSQL that the lab has, each from the Debian suite that ships it. */
export const builds: readonly Build[] = [
  { suite: 'bookworm', major: 15, images: [...postgresImages(15), uid70(15), pgbouncer(), webgui()] },
  { suite: 'trixie', major: 17, images: postgresImages(17) },
];

/** User, password and database of the cluster that a seeded image carries. */
export const seededCredentials = { user: 'vrooli', password: 'lab-password', database: 'vrooli' } as const;

/** The label that tells an image of this recipe from one of an older recipe under the same tag. */
export const recipeLabel = 'problems.lab.recipe';

/** A digest of the scripts and the declarations above: when it changes, the images are rebuilt. 16 hexadecimal digits. */
export async function recipeDigest(): Promise<string> {
  const digest = createHash('sha256').update(JSON.stringify(builds));
  const names = (await readdir(import.meta.dirname)).filter((name) => name.endsWith('.sh'));
  for (const name of names.sort()) {
    digest.update(`${name}\0`).update(await readFile(`${import.meta.dirname}/${name}`));
  }
  return digest.digest('hex').slice(0, 16);
}

function postgresConfig(major: number, data: string): ImageConfig {
  return {
    Env: [
      `PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/postgresql/${major}/bin`,
      'LANG=en_US.utf8',
      `PG_MAJOR=${major}`,
      `PGDATA=${data}`,
    ],
    ExposedPorts: { '5432/tcp': {} },
    Entrypoint: ['docker-entrypoint.sh'],
    Cmd: ['postgres'],
    // A fast shutdown; SIGTERM would wait for the clients to leave.
    StopSignal: 'SIGINT',
  };
}

function postgresImages(major: number): ImageRecipe[] {
  const seeded = postgresConfig(major, '/var/lib/postgresql/seeded');
  return [
    {
      tag: `problems-lab/postgres:${major}`,
      layers: ['root'],
      config: { ...postgresConfig(major, volume), Volumes: { [volume]: {} } },
    },
    { tag: `problems-lab/postgres-seeded:${major}`, layers: ['root', 'seeded'], config: seeded },
  ];
}

/** The official Alpine image's owner, 70, on the same files. */
function uid70(major: number): ImageRecipe {
  return {
    tag: `problems-lab/postgres:${major}-uid70`,
    layers: ['root', 'uid70'],
    config: { ...postgresConfig(major, volume), Volumes: { [volume]: {} } },
  };
}

function pgbouncer(): ImageRecipe {
  return {
    tag: 'problems-lab/pgbouncer:1',
    layers: ['root', 'pgbouncer'],
    config: {
      ...postgresConfig(15, volume),
      ExposedPorts: { '6432/tcp': {} },
      Entrypoint: ['pgbouncer-entrypoint.sh'],
      Cmd: [],
    },
  };
}

function webgui(): ImageRecipe {
  const config = postgresConfig(15, volume);
  return {
    tag: 'problems-lab/webgui:1',
    layers: ['root', 'webgui'],
    config: {
      ...config,
      ExposedPorts: { '8081/tcp': {} },
      Entrypoint: ['webgui-entrypoint.sh'],
      Cmd: [],
      StopSignal: 'SIGTERM',
    },
  };
}
