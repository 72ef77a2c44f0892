import { runLabel } from '../../host/labels.ts';
import { type Active, engineOf } from './lock-run.ts';
import { patiently } from './steps.ts';

/**
 * Before a run is taken up, or undone: a helper that a killed process left goes on by itself, and would change what was
 * looked at, or put back, a moment before. Those that go on are waited for by the step that needs them.
 */
export async function endHelpers(active: Active): Promise<void> {
  const { plan } = await active.record();
  if (!plan.target.volumes.some((key) => engineOf(key) !== undefined)) return;
  await patiently(active, async () => active.host.change.docker.endHelpers(runLabel, active.id));
}
