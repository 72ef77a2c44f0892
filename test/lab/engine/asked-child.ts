import { remediate, rollback, runs } from '../../../src/app/remediation.ts';
import { openAsked, openAskedHost } from './asked.ts';

/**
 * A separate process that runs the given steps, or with `rollback` rolls back the newest run, and ends itself by SIGKILL
 * right before it tells the server to reload for the undo: `node asked-child.ts <folder> <prefix> <asked> [rollback]`.
 */
const [folder = '', prefix = '', asked = '{}', wanted = ''] = process.argv.slice(2);
const host = openAskedHost({ folder, prefix });
const { sql } = host.changer;
let undoing = false;
const remediation = await openAsked({ folder, prefix }, JSON.parse(asked), {
  host: {
    ...host,
    changer: {
      ...host.changer,
      sql: {
        ...sql,
        async execute(instance, text, options) {
          if (undoing && text.includes('pg_reload_conf')) process.kill(process.pid, 'SIGKILL');
          return sql.execute(instance, text, options);
        },
      },
    },
  },
  atPoint(name) {
    if (name.startsWith('undo')) undoing = true;
  },
});
if (wanted === 'rollback') {
  const [newest] = await runs(remediation);
  await rollback(remediation, newest?.id ?? '');
} else await remediate(remediation, { yes: true });
remediation.close();
