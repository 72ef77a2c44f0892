import { describe, expect, it } from 'vitest';
import { editNetwork } from '../../../src/compose/networks.ts';
import { editPort } from '../../../src/compose/ports.ts';
import { editCommand, editSize } from '../../../src/compose/settings.ts';
import { planComposeChange } from '../../../src/remediation/shared/compose.ts';
import { refusalForOwner } from '../../../src/remediation/shared/recreate.ts';
import { configOf, createProject, labelsOf, path, type ProjectOptions, text } from '../compose-project.ts';

async function planned(options: ProjectOptions = {}) {
  const { reader, instance } = await createProject(options);
  return planComposeChange(
    {
      ...(await instance()),
      key: 'ports',
      edit: (sources) =>
        editPort(sources, 'db', {
          from: { containerPort: 5432, protocol: 'tcp', hostIp: '', hostPort: '5434' },
          to: 5437,
        }),
      inWords: 'change port 5434 to 5437',
      why: 'a test',
      expects: [],
    },
    reader,
  );
}

describe('a change of a Compose project', () => {
  it('is one step with the edit, and the hashes before and after', async () => {
    const [before, after] = [await configOf(text), await configOf(text.replace('5434', '5437'))];
    expect(await planned()).toMatchObject({
      type: 'planned',
      path,
      hash: after.hash,
      notes: [],
      step: {
        action: 'compose.change',
        params: {
          client: 'docker-compose',
          service: 'db',
          path,
          edits: [{ at: text.indexOf('5434'), before: '5434', after: '5437' }],
          hashes: { from: before.hash, to: after.hash },
          project: { name: 'shop', folder: '/project', files: [path] },
        },
      },
    });
  });

  it('takes along what other programs read in the same file, once', async () => {
    const { reader, instance } = await createProject({ files: { [path]: `${text}# url: localhost:5434\n` } });
    const own = { at: text.indexOf('5434'), before: '5434', after: '5437' };
    const other = { at: text.length + '# url: localhost:'.length, before: '5434', after: '5437' };
    const change = await planComposeChange(
      {
        ...(await instance()),
        key: 'ports',
        edit: () => ({ type: 'edit', path, edits: [own] }),
        alsoIn: (file) => (file === path ? [own, other] : []),
        inWords: 'change it',
        why: 'a test',
        expects: [],
      },
      reader,
    );
    expect(change).toMatchObject({ step: { params: { edits: [own, other] } } });
  });

  it('names other services that read the new value', async () => {
    const both = (yaml: string) =>
      configOf(yaml.replace('image: app', `image: app\n    port: ${/\d{4}/.exec(yaml)?.[0]}`));
    const { hash } = await both(text);
    expect(await planned({ config: both, labels: labelsOf(hash) })).toMatchObject({
      notes: ['The service app reads the new value too, when it is created next: docker compose up -d --no-deps app'],
    });
  });

  it('may add a network that the project does not declare, and change none that it does', async () => {
    async function withNetwork(yaml: string, network: string) {
      const { reader, instance } = await createProject({ yaml });
      return planComposeChange(
        {
          ...(await instance()),
          key: 'networks',
          section: 'networks',
          edit: (sources) => editNetwork(sources, 'db', { project: 'shop', network }),
          inWords: 'add the network',
          why: 'a test',
          expects: [],
        },
        reader,
      );
    }
    expect(await withNetwork(text, 'data')).toMatchObject({ type: 'planned' });
    expect(await withNetwork(`${text}networks: {web: {}}\n`, 'data')).toMatchObject({ type: 'planned' });
    expect(await withNetwork(`${text}networks: {data: {}}\n`, 'data')).toMatchObject({
      reason: expect.stringContaining('the name data for another network'),
      advice:
        'Put db on the network data, and add `data: {external: true}` to the top-level networks, then run in /project: docker compose up -d --no-deps db',
    });
  });

  it.for<[string, ProjectOptions, RegExp]>([
    ['the config forbids it', { mode: 'refuse' }, /config says/],
    [
      'its data is in an anonymous volume',
      {
        container: {
          mounts: [
            {
              type: 'volume',
              name: 'x',
              source: '/v',
              destination: '/var/lib/postgresql/data',
              writable: true,
              anonymous: true,
            },
          ],
        },
      },
      /volume without a name/,
    ],
    ['there is no client', { clients: [] }, /no Compose client/],
    ['the files have changed since the container was created', { labels: labelsOf('b'.repeat(64)) }, /something else/],
    ['the image was replaced', { imageId: 'sha256:other' }, /image postgres:17 is another one/],
    [
      'the client cannot read the project',
      { config: async () => ({ ok: false, message: 'no' }) },
      /cannot read the project: no/,
    ],
  ])('is refused with the exact edit if %s', async ([, options, reason]) => {
    expect(await planned(options)).toEqual({
      type: 'refusal',
      reason: expect.stringMatching(reason),
      advice:
        'Change `ports: ["5434:5432"] # published` to `ports: ["5437:5432"] # published` in line 5 of /project/docker-compose.yml, then run in /project: docker compose up -d --no-deps db',
    });
  });

  it.for<[string, ProjectOptions, RegExp]>([
    [
      'its labels do not name its files',
      { labels: { 'com.docker.compose.project': 'shop' } },
      /Compose project shop.*labels/,
    ],
    [
      'a file is outside the folders',
      { labels: { ...labelsOf('a'.repeat(64)), 'com.docker.compose.project.config_files': '/etc/shadow' } },
      /outside/,
    ],
    ['a file is gone', { files: {} }, /does not exist/],
    ['a file is not UTF-8', { files: { [path]: `${text}# \uFFFD\n` } }, /not UTF-8/],
    ['a file is not YAML', { files: { [path]: '{' } }, /not valid YAML/],
    ['.env moves the client', { files: { [path]: text, '/project/.env': 'DOCKER_HOST=x\n' } }, /another engine/],
    ['no file states the port', { files: { [path]: text.replace('5434', '5400') } }, /none of them/],
  ])('is refused if %s', async ([, options, reason]) => {
    expect(await planned(options)).toMatchObject({
      type: 'refusal',
      reason: expect.stringMatching(reason),
      advice: expect.stringMatching(/^Change port 5434 to 5437 in .*docker compose up -d --no-deps/),
    });
  });

  it('is refused if the client says that more would change', async () => {
    const image = (yaml: string) => configOf(yaml.includes('5437') ? yaml.replace('postgres:17', 'postgres:18') : yaml);
    expect(await planned({ config: image })).toMatchObject({
      reason: expect.stringContaining('It would also change services.db.image.'),
    });
    const none = async () => configOf(text);
    expect(await planned({ config: none })).toMatchObject({ reason: expect.stringContaining('no difference') });
  });
});

describe('a change of a Compose project whose own files are not edited', () => {
  const override = '/project/docker-compose.override.yml';

  async function memory(options: ProjectOptions = {}) {
    const { reader, instance } = await createProject({ mode: 'override', ...options });
    return planComposeChange(
      {
        ...(await instance()),
        key: 'mem_limit',
        edit: (sources) => editSize(sources, 'db', 'mem_limit', 768 * 2 ** 20),
        inWords: 'set mem_limit',
        why: 'a test',
        expects: [],
      },
      reader,
    );
  }

  it('is a new override file, of which the client says what it says of the edit', async () => {
    const made = `# Made by problems. Compose reads it after docker-compose.yml.\nservices:\n  db:\n    mem_limit: 768m\n`;
    expect(await memory()).toMatchObject({
      type: 'planned',
      path: override,
      notes: [`Compose reads ${override} by itself. Whoever starts the project with -f has to name it too.`],
      step: {
        params: {
          path: override,
          like: path,
          edits: [{ at: 0, before: '', after: made }],
          hashes: { to: (await configOf(text, made)).hash },
          project: { files: [path] },
        },
      },
    });
  });

  const both = async (yaml: string): Promise<ProjectOptions> => ({
    files: { [path]: text, [override]: yaml },
    labels: {
      ...labelsOf((await configOf(text, yaml)).hash),
      'com.docker.compose.project.config_files': `docker-compose.yml,${override}`,
    },
  });

  it('is added to the override file that the project has, or changed where that states it', async () => {
    expect(await memory(await both('services:\n  db:\n    image: other # mine\n'))).toMatchObject({
      path: override,
      notes: [],
      step: { params: { edits: [{ before: '', after: 'mem_limit: 768m\n    ' }] } },
    });
    expect(await memory(await both('services: {db: {mem_limit: 512m}}\n'))).toMatchObject({
      path: override,
      step: { params: { edits: [{ before: '512m', after: '768m' }] } },
    });
  });

  it('is refused with the exact words and command if Compose would not read an override', async () => {
    const stray = { files: { [path]: text, [override]: 'services: {}\n' } };
    expect(await memory(stray)).toMatchObject({
      reason: expect.stringContaining(`It was created without ${override}.`),
      advice: `State \`{services: {db: {mem_limit: 768m}}}\` in ${override}, then run in /project: docker compose -f ${path} -f ${override} up -d --no-deps db`,
    });
  });

  it('is refused if Compose would join what the override states with what the file states', async () => {
    expect(await planned({ mode: 'override' })).toMatchObject({
      reason: expect.stringContaining('Compose joins the ports of an override'),
      advice: expect.stringContaining('`ports: !override …`'),
    });
  });

  it('is refused if the command has variables, whose values would be written down', async () => {
    const yaml = text.replace('image: postgres:17', 'image: postgres:17\n    command: postgres -c port=5 -c a=${A:-b}');
    const { reader, instance } = await createProject({ mode: 'override', yaml });
    const change = await planComposeChange(
      {
        ...(await instance()),
        key: 'command',
        edit: (sources) => editCommand(sources, 'db', { port: '6' }),
        inWords: 'set port',
        why: 'a test',
        expects: [],
      },
      reader,
    );
    expect(change).toMatchObject({ reason: expect.stringContaining('has variables') });
  });
});

describe('a container that others manage', () => {
  it('is named with its manager, and left alone', async () => {
    const { instance } = await createProject();
    const { container } = await instance();
    const refused = (labels: Readonly<Record<string, string>>) => refusalForOwner({ ...container, labels })?.reason;
    expect(refused({ 'io.kubernetes.pod.name': 'db-0', 'io.kubernetes.pod.namespace': 'shop' })).toContain(
      'belongs to the Kubernetes pod shop/db-0',
    );
    expect(refused({ 'com.docker.swarm.service.id': 'x', 'com.docker.swarm.service.name': 'db' })).toContain(
      'belongs to the Swarm service db',
    );
    expect(refused(container.labels)).toContain('Compose project shop');
    expect(refusalForOwner(container, { editsCompose: true })).toBeUndefined();
    expect(refused({})).toBeUndefined();
  });
});
