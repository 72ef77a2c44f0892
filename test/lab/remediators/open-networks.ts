import type { TestContext } from 'vitest';
import { openRemediation, type Remediation } from '../../../src/app/remediation.ts';
import { networkReconnect } from '../../../src/remediation/remediators/network-reconnect/index.ts';
import { stateFile } from './open-ports.ts';
import type { Run } from '../run.ts';

export interface NetworkOptionsOfTest {
  /** Networks that the config lets clients join although others are there. */
  readonly sharedNetworks?: readonly string[];
  /** Names of instances. Default: all of the run. */
  readonly instances?: readonly string[];
  readonly atPoint?: (name: string) => void | Promise<void>;
}

/** The remediator alone, on the instances of the containers with this prefix. */
export function openNetworks(
  target: { readonly folder: string; readonly prefix: string },
  state: string,
  options: NetworkOptionsOfTest = {},
): Promise<Remediation> {
  const { sharedNetworks = [], instances, atPoint } = options;
  return openRemediation({
    folder: target.folder,
    remediators: [networkReconnect],
    ...(instances === undefined ? {} : { instances }),
    ...(atPoint === undefined ? {} : { atPoint }),
    config: {
      containers: `^${target.prefix}vrooli-postgres-(.+)$`,
      state,
      settings: { 'network-reconnect': { sharedNetworks } },
    },
  });
}

/** Closed when the test ends. */
export async function openFor(
  test: Pick<TestContext, 'onTestFinished'>,
  run: Run,
  options: NetworkOptionsOfTest = {},
): Promise<Remediation> {
  const networks = await openNetworks(run, await stateFile(test), options);
  test.onTestFinished(() => networks.close());
  return networks;
}
