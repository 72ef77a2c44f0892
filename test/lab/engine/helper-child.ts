import type { HelperSpec } from '../../../src/host/docker/types.ts';
import { openHost } from '../../../src/app/open-host.ts';

/** Runs a helper, and waits for it until this process is killed. */
const spec: HelperSpec = JSON.parse(process.argv[2] ?? '');

await openHost({ roots: [] }).changer.docker.runHelper(spec);
