import type { HelperSpec } from '../../../src/host/docker/types.ts';
import { openHost } from '../../../src/app/open-host.ts';

/** Runs a helper, and waits for it until somebody kills this process. */
const spec: HelperSpec = JSON.parse(process.argv[2] ?? '');

await openHost({ roots: [] }).changer.docker.runHelper(spec);
