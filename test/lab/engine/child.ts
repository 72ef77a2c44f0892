import { remediate } from '../../../src/app/remediation.ts';
import { openExample } from './example.ts';

/** Repairs the instances of a run in a separate process, which ends by SIGKILL at the point named last. */
const [folder = '', prefix = '', killAt = ''] = process.argv.slice(2);

const remediation = await openExample(
  { folder, prefix },
  {
    atPoint(name) {
      if (name === killAt) process.kill(process.pid, 'SIGKILL');
    },
  },
);
await remediate(remediation);
remediation.close();
