import { expect, it } from 'vitest';
import { containerOf } from '../../../src/host/docker/shapes.ts';
import type { Container } from '../../../src/host/docker/types.ts';
import { unexpectedDifferences } from '../../../src/remediation/shared/container-diff.ts';
import type { Json } from '../../../src/util/json.ts';

function container(host: { readonly [key: string]: Json }, volume = 'data'): Container {
  const mount = { Type: 'volume', Name: volume, Source: '', Destination: '/data', RW: true };
  return containerOf({ Id: 'one', Name: '/one', HostConfig: host, Mounts: [mount] });
}

it('finds no difference between containers with the same mounts, in any notation', () => {
  const written: readonly { readonly [key: string]: Json }[] = [
    {},
    { Binds: ['data:/data'] },
    { Binds: ['data:/data:nocopy'], Mounts: [] },
    { Mounts: [{ Type: 'volume', Source: 'data', Target: '/data' }] },
    { VolumesFrom: ['other'] },
  ];
  for (const one of written)
    for (const other of written) expect(unexpectedDifferences(container(one), container(other), {})).toEqual([]);
});

it('reports other data and every unintended difference', () => {
  expect(unexpectedDifferences(container({}), container({}, 'empty'), {})).toEqual(['Mounts./data']);
  expect(unexpectedDifferences(container({ Memory: 1 }), container({ Memory: 2 }), {})).toEqual(['HostConfig.Memory']);
  const meant = { fields: ['HostConfig.Memory'] };
  expect(unexpectedDifferences(container({ Memory: 1 }), container({ Memory: 2 }), meant)).toEqual([]);
});
