import { describe, expect, it } from 'vitest';
import { containerOf } from '../../../src/host/docker/shapes.ts';
import type { Container } from '../../../src/host/docker/types.ts';
import { mountsFrom, otherMounts } from '../../../src/remediation/actions/recreate-spec.ts';
import type { Json } from '../../../src/util/json.ts';

const [first, second] = ['a'.repeat(64), 'b'.repeat(64)];

function volume(name: string, destination: string, writable = true): Json {
  return { Type: 'volume', Name: name, Source: `/volumes/${name}`, Destination: destination, RW: writable };
}

function container(host: { readonly [key: string]: Json }, mounts: readonly Json[], id = 'one'): Container {
  return containerOf({ Id: id, Name: `/${id}`, HostConfig: host, Mounts: mounts });
}

describe('the mounts of a recreated container', () => {
  it.for([
    ['-v /data, or the VOLUME of the image', {}, '/data'],
    ['a bind that says only where, by the API', { Binds: ['/data'] }, '/data'],
    ['the same with a slash at its end', { Binds: ['/data/'] }, '/data'],
  ] as const)('%s: the volume that the engine made is bound by its name, and gets no file', ([, host]) => {
    const old = container(host, [volume(first, '/data')]);
    expect(old.mounts).toMatchObject([{ anonymous: true }]);
    expect(mountsFrom(old, {})).toEqual({ Binds: [`${first}:/data:nocopy`], Mounts: [] });
  });

  it('keep the volume of --mount type=volume without a source by name, with its options', () => {
    const options = { NoCopy: true, Labels: { a: 'b' }, DriverConfig: { Name: 'local' } };
    const old = container(
      {
        Mounts: [
          { Type: 'volume', Target: '/plain' },
          { Type: 'volume', Source: '', Target: '/tidied/', VolumeOptions: options, ReadOnly: true },
        ],
      },
      [volume(first, '/plain'), volume(second, '/tidied', false)],
    );
    expect(old.mounts.map(({ anonymous }) => anonymous)).toEqual([true, true]);
    expect(mountsFrom(old, {})).toEqual({
      Binds: [],
      Mounts: [
        { Type: 'volume', Source: first, Target: '/plain' },
        { Type: 'volume', Source: second, Target: '/tidied/', VolumeOptions: options, ReadOnly: true },
      ],
    });
  });

  it('keep explicit names, modes, propagation, volume subpaths and tmpfs exactly', () => {
    const host = {
      Binds: ['shop:/shop/:ro,nocopy', '/srv/in:/in:rslave'],
      Mounts: [
        { Type: 'volume', Source: 'parts', Target: '/part', VolumeOptions: { Subpath: 'one' } },
        { Type: 'bind', Source: '/srv/out', Target: '/out', BindOptions: { Propagation: 'rshared' } },
        { Type: 'tmpfs', Target: '/fast', TmpfsOptions: { SizeBytes: 1048576 } },
      ],
    };
    const old = container(host, [
      volume('shop', '/shop', false),
      { Type: 'bind', Source: '/srv/in', Destination: '/in', RW: true, Propagation: 'rslave' },
      volume('parts', '/part'),
      { Type: 'bind', Source: '/srv/out', Destination: '/out', RW: true, Propagation: 'rshared' },
      { Type: 'tmpfs', Source: '', Destination: '/fast', RW: true },
    ]);
    expect(old.mounts.filter(({ anonymous }) => anonymous)).toEqual([]);
    expect(mountsFrom(old, {})).toEqual(host);
  });

  it('replace --volumes-from by direct mounts: the container of that name may be a different one now', () => {
    const old = container({ VolumesFrom: ['other:ro'] }, [
      volume(first, '/their', false),
      { Type: 'bind', Source: '/srv/x', Destination: '/x', RW: false, Propagation: 'rprivate' },
    ]);
    expect(mountsFrom(old, {})).toEqual({
      Binds: [`${first}:/their:ro,nocopy`],
      Mounts: [
        { Type: 'bind', Source: '/srv/x', Target: '/x', ReadOnly: true, BindOptions: { Propagation: 'rprivate' } },
      ],
      VolumesFrom: [],
    });
  });

  it('use an edit instead of the old mount, in any notation', () => {
    const edits = { '/data': { source: 'moved', writable: true } };
    for (const host of [{}, { Binds: ['/srv/d:/data/'] }, { Mounts: [{ Type: 'volume', Target: '/data/' }] }])
      expect(mountsFrom(container(host, [volume(first, '/data')]), edits)).toEqual({
        Binds: ['moved:/data'],
        Mounts: [],
      });
  });

  it('are refused if a mount cannot be described to the engine again', () => {
    const unnamed = container({ Mounts: [{ Type: 'volume', Target: '/data' }] }, []);
    expect(() => mountsFrom(unnamed, {})).toThrow(/at \/data has no name/);
    const odd = container({}, [{ Type: 'cluster', Source: '', Destination: '/csi', RW: true }]);
    expect(() => mountsFrom(odd, {})).toThrow(/type cluster at \/csi/);
  });

  it('are compared after the recreation: an empty volume in place of the old one is reported', () => {
    const old = container({}, [volume(first, '/data'), volume('shop', '/shop')]);
    expect(otherMounts(old, container({}, [volume('shop', '/shop'), volume(first, '/data')], 'two'), {})).toEqual([]);
    const lost = container({}, [volume(second, '/data'), volume('shop', '/shop', false)], 'two');
    expect(otherMounts(old, lost, {})).toEqual([
      `two has ${second} at /data, but one has ${first}.`,
      'two has shop (read-only) at /shop, but one has shop.',
    ]);
    expect(otherMounts(old, container({}, [volume('shop', '/shop')], 'two'), {})).toEqual([
      `two has nothing at /data, but one has ${first}.`,
    ]);
  });
});
