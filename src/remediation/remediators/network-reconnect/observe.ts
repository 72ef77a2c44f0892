import type { Container } from '../../../host/docker/types.ts';
import type { Instance } from '../../../host/instance.ts';
import { type Address, addressesOf } from './addresses.ts';
import { allNames, isLoopback, namesOn, networksOf, ownAddresses } from './networks.ts';

/** A container that uses an instance, by one address. */
export interface Client {
  readonly container: Container;
  readonly instance: Instance;
  readonly address: Address;
  /** The web GUI that the managed system makes for this instance. */
  readonly gui: boolean;
}

/** What the engine and the instances are, as they were looked at. */
export interface World {
  readonly instances: readonly Instance[];
  readonly containers: readonly Container[];
}

const guiName = /vrooli-pgweb-(.+)$/;

/** The GUI's container name that goes with an instance's: `vrooli-postgres-orders` → `vrooli-pgweb-orders`. */
function guiNameOf({ container }: Pick<Instance, 'container'>): string | undefined {
  return container.name.includes('vrooli-postgres-')
    ? container.name.replace('vrooli-postgres-', 'vrooli-pgweb-')
    : undefined;
}

/**
 * Which instance each running container uses: a GUI by its name, everything else by the host that it was told. Helpers
 * of the program and containers kept aside are no clients. Sorted by container, instance and source.
 */
export function clientsOf({ instances, containers }: World): readonly Client[] {
  return containers
    .filter(isClientAtAll)
    .flatMap((container) => addressesOf(container).flatMap((address) => ofAddress(container, address, instances)))
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

function isClientAtAll({ name, labels, state }: Container): boolean {
  const ours = ['problems.helper', 'problems.aside'].some((label) => Object.hasOwn(labels, label));
  return state.running && !ours && !name.includes('.pgops-old-');
}

function ofAddress(container: Container, address: Address, instances: readonly Instance[]): readonly Client[] {
  const others = instances.filter((instance) => instance.container.id !== container.id);
  const gui = others.filter((instance) => guiNameOf(instance) === container.name);
  if (gui.length > 0) return gui.map((instance) => ({ container, instance, address, gui: true }));
  // A GUI of somebody else's instance, or an instance's own settings.
  if (guiName.test(container.name) || others.length < instances.length) return [];
  return meant(container, address, others).map((instance) => ({ container, instance, address, gui: false }));
}

/** Several where the same name stands for several on one network: whose client it is then is the trouble itself. */
function meant(client: Container, { host, port }: Address, instances: readonly Instance[]): readonly Instance[] {
  if (isLoopback(host)) {
    const published = instances.filter(({ container }) =>
      container.portBindings.some(({ hostPort }) => hostPort === String(port)),
    );
    return published.length === 1 ? published : [];
  }
  const named = instances.filter(
    ({ container }) => allNames(container).includes(host) || ownAddresses(container).includes(host),
  );
  const near = named.filter(({ container }) =>
    networksOf(client).some((network) => namesOn(container, network).includes(host)),
  );
  if (near.length > 0) return near;
  return named.length === 1 ? named : [];
}

function keyOf({ container, instance, address }: Client): string {
  return [container.name, instance.name, address.source].join('\0');
}
