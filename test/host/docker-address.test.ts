import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { engineAddress } from '../../src/host/docker/address.ts';

describe('engineAddress', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'problems-address-'));
    await mkdir(join(folder, 'certs'));
    for (const name of ['ca', 'cert', 'key']) await writeFile(join(folder, 'certs', `${name}.pem`), name);
  });
  afterAll(async () => rm(folder, { recursive: true }));

  it.each([
    ['unix:///run/user/1000/docker.sock', { socketPath: '/run/user/1000/docker.sock' }],
    ['npipe:////./pipe/docker_engine', { socketPath: '//./pipe/docker_engine' }],
  ])('connects to the socket of %s, on this machine', async (text, options) => {
    const address = engineAddress({ DOCKER_HOST: text });
    expect(address).toMatchObject({ text, local: true, hostname: 'localhost' });
    expect(await address.connection()).toEqual({ secure: false, options, basePath: '' });
  });

  it.each([{}, { DOCKER_HOST: '' }, { DOCKER_HOST: 'unix://' }])(
    'connects to the default socket with %o',
    async (env) => {
      const { options } = await engineAddress(env).connection();
      expect([join(homedir(), '.docker/run/docker.sock'), '/var/run/docker.sock']).toContain(options.socketPath);
    },
  );

  it.each([
    ['tcp://10.0.0.1:2375', '10.0.0.1', '2375', false, ''],
    ['10.0.0.1:4243', '10.0.0.1', '4243', false, ''],
    ['build-host', 'build-host', '2375', false, ''],
    ['http://engine:80', 'engine', '80', false, ''],
    ['tcp://[fd00::1]:2375/docker/', 'fd00::1', '2375', false, '/docker'],
    ['tcp://engine:2376', 'engine', '2376', true, ''],
    ['https://engine', 'engine', '443', true, ''],
  ])('connects over the network with %s', async (text, host, port, secure, basePath) => {
    const address = engineAddress({ DOCKER_HOST: text });
    expect(address).toMatchObject({ text, local: false, hostname: host });
    expect(await address.connection()).toEqual({ secure, options: { host, port }, basePath });
  });

  it('uses TLS if DOCKER_TLS_VERIFY is set, with the certificates of DOCKER_CERT_PATH', async () => {
    const env = { DOCKER_HOST: 'tcp://engine', DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: join(folder, 'certs') };
    const { secure, options } = await engineAddress(env).connection();
    expect(secure).toBe(true);
    expect(options).toMatchObject({ host: 'engine', port: '2376' });
    expect([options.ca, options.cert, options.key].map(String)).toEqual(['ca', 'cert', 'key']);
  });

  it('refuses a folder of certificates that is incomplete', async () => {
    const env = { DOCKER_HOST: 'tcp://engine:2376', DOCKER_CERT_PATH: folder };
    await expect(engineAddress(env).connection()).rejects.toMatchObject({
      code: 'bad-usage',
      message: expect.stringContaining('ca.pem'),
    });
  });

  it('refuses SSH, and names the command that forwards the socket', async () => {
    await expect(engineAddress({ DOCKER_HOST: 'ssh://me@host' }).connection()).rejects.toMatchObject({
      code: 'bad-usage',
      message: 'DOCKER_HOST=ssh://me@host: connections over SSH are not supported.',
      hint: expect.stringContaining('ssh -nNT -L'),
    });
  });

  it.each(['fd://', 'tcp://', 'tcp://a b', 'http://:1', 'ftp://engine'])('refuses %j', async (text) => {
    await expect(engineAddress({ DOCKER_HOST: text }).connection()).rejects.toMatchObject({
      code: 'bad-usage',
      message: `DOCKER_HOST=${text} is not an address of a Docker Engine.`,
    });
  });
});
