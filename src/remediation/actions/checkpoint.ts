import type { Instance } from '../../host/instance.ts';
import type { Host } from '../contract.ts';

/** Less than the time that the engine gives it. */
const timeoutMs = 55_000;

/**
 * Writes what a shutdown would have to write, while clients are still served: on a busy server that is most of the time
 * of its stop (PGOPS §1.4).
 * @throws Error in the server's words, where it does not answer or the role may not.
 */
export async function checkpoint(instance: Instance, host: Host): Promise<void> {
  const answer = await host.change.sql.execute(instance, 'CHECKPOINT', { timeoutMs });
  if (!answer.ok) throw new Error(`CHECKPOINT: ${answer.sqlstate ?? ''} ${answer.message}`);
}
