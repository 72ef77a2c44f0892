import { query, startInstance } from '../instance.ts';
import { addOrders } from '../rows.ts';
import type { Scenario } from '../scenario.ts';

/** What an update of the base image does to the catalogs: the recorded versions are older than those of the libraries. */
export const collationChanged: Scenario = {
  name: 'collation-changed',
  problem: undefined,
  description: 'The data of one instance were sorted by older versions of the C library and ICU than its image has.',
  async up(run, say) {
    const sorted = await startInstance(run, { name: 'sorted', storage: 'volume' });
    await addOrders(sorted);
    await query(
      sorted,
      `create table names (name text, german text collate "de-x-icu");
       create index names_name on names (name); create index names_german on names (german)`,
    );
    await query(
      sorted,
      `update pg_database set datcollversion = '1';
       update pg_collation set collversion = '1' where collprovider = 'i'`,
    );
    say(`${sorted.containerName} warns at each login that its collation versions differ`);
  },
};
