import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readComposeFile, withEdits } from '../../src/compose/document.ts';
import { editNetwork } from '../../src/compose/networks.ts';

async function edited(text: string, network: string, alias?: string): Promise<string> {
  const file = await readComposeFile({ path: '/project/compose.yaml', text });
  if (typeof file === 'string') throw new Error(file);
  const wanted = { project: 'shop', network, ...(alias === undefined ? {} : { alias }) };
  const edit = editNetwork({ files: [file], environment: undefined }, 'app', wanted);
  return edit.type === 'unclear' ? `${edit.reason} ${edit.instead}` : withEdits(text, edit.edits);
}

describe('a network of a service', () => {
  it('is added beside the default one, and declared as external', async () => {
    expect(await edited('services:\n  app: # ours\n    image: app # keep\n', 'data')).toBe(
      'services:\n  app: # ours\n    networks: [default, data]\n    image: app # keep\nnetworks:\n  data: {external: true}\n',
    );
  });

  it.for<[string, string, string, string]>([
    [
      'a list',
      'services:\n  app:\n    networks:\n      - web # public\nnetworks:\n  web: {}\n',
      'data',
      'services:\n  app:\n    networks:\n      - data\n      - web # public\nnetworks:\n  data: {external: true}\n  web: {}\n',
    ],
    [
      'a flow list',
      'services: {app: {networks: [web]}}\nnetworks: {web: {}}\n',
      'data',
      'services: {app: {networks: [data, web]}}\nnetworks: {data: {external: true}, web: {}}\n',
    ],
    [
      'a mapping',
      'services:\n  app:\n    networks:\n      web:\n        aliases: [www]\nnetworks:\n  web:\n  back:\n',
      'shop_back',
      'services:\n  app:\n    networks:\n      back: {}\n      web:\n        aliases: [www]\nnetworks:\n  web:\n  back:\n',
    ],
    [
      'a network that is declared with its name',
      'services:\n  app: {networks: [web]}\nnetworks:\n  web:\n  db:\n    external: true\n    name: data\n',
      'data',
      'services:\n  app: {networks: [db, web]}\nnetworks:\n  web:\n  db:\n    external: true\n    name: data\n',
    ],
    [
      'a network in the old form',
      'services:\n  app: {networks: [web]}\nnetworks:\n  web:\n  db:\n    external:\n      name: data\n',
      'data',
      'services:\n  app: {networks: [db, web]}\nnetworks:\n  web:\n  db:\n    external:\n      name: data\n',
    ],
    [
      'lines that end with CR LF, and no line end at the end',
      'services:\r\n  app:\r\n    image: app',
      'data',
      'services:\r\n  app:\r\n    networks: [default, data]\r\n    image: app\r\nnetworks:\r\n  data: {external: true}\r\n',
    ],
    [
      'a file in flow style',
      '{services: {app: {image: app}}}\n',
      'data',
      '{networks: {data: {external: true}}, services: {app: {networks: [default, data], image: app}}}\n',
    ],
  ])('is added to %s', async ([, text, network, expected]) => {
    const made = await edited(text, network);
    expect(made).toBe(expected);
    expect(parse(made).services.app.networks).toBeDefined();
  });

  it.for<[string, string, RegExp]>([
    ['a network mode is set', 'services: {app: {network_mode: host}}\n', /network_mode/],
    ['an anchor is shared', 'x-n: &n [web]\nservices: {app: {networks: *n}, b: {networks: *n}}\n', /form to which/],
    ['the key means another network', 'services: {app: {image: a}}\nnetworks: {data: {}}\n', /another network/],
    ['no file has the service', 'services: {web: {image: a}}\n', /No file/],
    ['it has it already', 'services: {app: {networks: [data]}}\nnetworks: {data: {external: true}}\n', /form to which/],
  ])('is not added if %s; the edit is told', async ([, text, reason]) => {
    const told = await edited(text, 'data');
    expect(told).toMatch(reason);
    expect(told).toContain('put app on the network data');
  });
});

describe('an alias of a service', () => {
  it.for<[string, string, string, string]>([
    [
      'on the default network',
      'services:\n  app:\n    image: app\n',
      'shop_default',
      'services:\n  app:\n    networks: {default: {aliases: [db]}}\n    image: app\n',
    ],
    [
      'on a network that no file declares',
      'services:\n  app:\n    image: app\n',
      'data',
      'services:\n  app:\n    networks: {default: {}, data: {aliases: [db]}}\n    image: app\nnetworks:\n  data: {external: true}\n',
    ],
    [
      'in a list, which becomes a mapping',
      'services:\n  app:\n    networks:\n    - web\n    - back\n    image: app # keep\nnetworks: {web: {}, back: {}}\n',
      'shop_back',
      'services:\n  app:\n    networks:\n      {web: {}, back: {aliases: [db]}}\n    image: app # keep\nnetworks: {web: {}, back: {}}\n',
    ],
    [
      'beside others',
      'services:\n  app:\n    networks:\n      back:\n        aliases:\n          - store # old\nnetworks:\n  back:\n',
      'shop_back',
      'services:\n  app:\n    networks:\n      back:\n        aliases:\n          - db\n          - store # old\nnetworks:\n  back:\n',
    ],
    [
      'beside an address',
      'services: {app: {networks: {back: {ipv4_address: 172.18.0.9}}}}\nnetworks: {back: {}}\n',
      'shop_back',
      'services: {app: {networks: {back: {aliases: [db], ipv4_address: 172.18.0.9}}}}\nnetworks: {back: {}}\n',
    ],
    [
      'of an entry without a value',
      'services:\n  app:\n    networks:\n      back: # ours\nnetworks:\n  back:\n',
      'shop_back',
      'services:\n  app:\n    networks:\n      back: {aliases: [db]} # ours\nnetworks:\n  back:\n',
    ],
  ])('is added %s', async ([, text, network, expected]) => {
    const made = await edited(text, network, 'db');
    expect(made).toBe(expected);
    expect(JSON.stringify(parse(made).services.app.networks)).toContain('"db"');
  });

  it('is not added to a list with comments, whose place they would lose', async () => {
    const text =
      'services:\n  app:\n    networks:\n      - web # public\n      - back\nnetworks: {web: {}, back: {}}\n';
    expect(await edited(text, 'shop_back', 'db')).toContain('put app on the network back with the alias db');
  });
});
