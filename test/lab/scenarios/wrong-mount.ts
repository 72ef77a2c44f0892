import { startInstance } from '../instance.ts';
import { addOrders } from '../rows.ts';
import { createVolume } from '../run.ts';
import type { Scenario } from '../scenario.ts';

/** A named volume one level too high: the image makes an anonymous one at its own path below, and the data go there. */
export const wrongMount: Scenario = {
  name: 'wrong-mount',
  problem: undefined,
  description: 'The data of one instance are in an anonymous volume, beside the named one that was meant for them.',
  async up(run, say) {
    const meant = await createVolume(run, 'misplaced-postgres');
    const misplaced = await startInstance(run, {
      name: 'misplaced',
      storage: 'anonymous',
      host: { Binds: [`${meant}:/var/lib/postgresql`] },
    });
    await addOrders(misplaced);
    say(`${misplaced.containerName} answers on port ${misplaced.port}, and its data are not in the volume ${meant}`);
  },
};
