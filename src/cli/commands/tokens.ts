import { ProblemsError } from '../../errors.ts';
import { type Scope, scopes, type StoredToken } from '../../service/contract.ts';
import { defineCommand } from '../command.ts';
import { tableText } from '../render.ts';
import { configFor, configOptions } from '../shared-options.ts';

export const tokens = defineCommand({
  name: 'tokens',
  group: 'service',
  summary: 'List, add and remove the tokens of the service.',
  about:
    'A token lets a program or a person use the HTTP API, the page and MCP. `read` reads, `request` also asks for rounds, repairs ' +
    'and backups, `approve` also approves, rolls back and pauses. A token is printed once: the service keeps only its hash. ' +
    'A change counts at once, also for a service that runs.',
  arguments: [
    { name: 'action', about: '`list`, `add` or `remove`. Default: list.' },
    { name: 'name', about: 'Name of the token, such as `laptop` (with `add` and `remove`).' },
  ],
  options: {
    scope: { type: 'text', value: 'scope', about: 'What it may do (with `add`). Default: read.', choices: scopes },
    json: { type: 'flag', about: 'Print JSON.' },
    ...configOptions,
  },
  examples: [
    { command: 'problems tokens', about: 'who may use the service' },
    { command: 'problems tokens add agent --scope request', about: 'for a program that asks for repairs' },
    { command: 'problems tokens remove agent', about: 'it may no longer' },
  ],
  exitCodes: [
    { code: 0, about: 'the tokens were printed, added or removed' },
    { code: 2, about: 'there is no such token, or there is one already; service.db cannot be read' },
  ],
  async run({ arguments: words, options, cwd, now, screen }) {
    const [action = 'list', name] = words;
    if (action !== 'list' && action !== 'add' && action !== 'remove')
      throw new ProblemsError('bad-usage', `Unknown action '${action}'.`, { hint: 'Use list, add or remove.' });
    if (action !== 'list' && name === undefined)
      throw new ProblemsError('bad-usage', `\`${action}\` needs a name.`, { hint: `problems tokens ${action} laptop` });
    const config = await configFor(options, cwd, { ownOnly: true });
    const [{ serviceFile }, { openServiceStore }, { addToken, removeToken }, { toJson }] = await Promise.all([
      import('../../service/service-file.ts'),
      import('../../service/store/store.ts'),
      import('../../service/tokens.ts'),
      import('../../reporters/json.ts'),
    ]);
    const store = await openServiceStore(await serviceFile(config));
    try {
      if (action === 'list') {
        const shown = store.tokens.list().map(({ hash: _, ...token }) => token);
        if (options.json) screen.out.write(toJson({ schemaVersion: 1, tokens: shown }));
        else if (shown.length === 0)
          screen.notes.write('There are no tokens yet. Add one: problems tokens add laptop\n');
        else screen.out.write(await tableText(tokensTable(shown), screen.out));
      } else if (action === 'add') {
        const scope = scopes.find((one): one is Scope => one === options.scope) ?? 'read';
        const token = addToken(store.tokens, { name: name ?? '', scope, now: now() });
        if (options.json) screen.out.write(toJson({ schemaVersion: 1, name, scope, token }));
        else {
          screen.out.write(`${token}\n`);
          screen.notes.write('Keep it: it is shown only now.\n');
        }
      } else {
        const { scope } = removeToken(store.tokens, name ?? '');
        if (options.json) screen.out.write(toJson({ schemaVersion: 1, removed: { name, scope } }));
        else screen.notes.write(`Removed ${name ?? ''}.\n`);
      }
    } finally {
      store.close();
    }
    return 0;
  },
});

function tokensTable(shown: readonly Omit<StoredToken, 'hash'>[]) {
  return {
    columns: [{ title: 'NAME' }, { title: 'SCOPE' }, { title: 'CREATED' }, { title: 'LAST USED' }],
    rows: shown.map(({ name, scope, createdAt, lastUsedAt, once }) => [
      name,
      once ? `${scope}, once` : scope,
      createdAt.slice(0, 16).replace('T', ' '),
      lastUsedAt === null ? 'never' : lastUsedAt.slice(0, 16).replace('T', ' '),
    ]),
  };
}
