import { execIn } from '../exec.ts';
import { type LabInstance, query } from '../instance.ts';

/** Database objects other than rows, all of which a restored copy must have. */
export async function addVariety(instance: LabInstance): Promise<void> {
  await query(
    instance,
    `create schema "Odd ""names";
     create table "Odd ""names"."Ta%ble" ("a b" text, t timestamptz default now(), "row" jsonb, primary key ("a b"));
     insert into "Odd ""names"."Ta%ble" select 'line' || chr(10) || n, now(), jsonb_build_object('n', n) from generate_series(1, 200) n;
     create table parent (id serial, at date not null, amount float8, raw bytea, span interval) partition by range (at);
     create table parent_2025 partition of parent for values from ('2025-01-01') to ('2026-01-01');
     create table parent_2026 partition of parent for values from ('2026-01-01') to ('2027-01-01');
     insert into parent (at, amount, raw, span) select '2025-06-01'::date + n, n / 3.0, decode(md5(n::text), 'hex'), n * interval '1 hour' from generate_series(1, 300) n;
     create index on parent (amount) where amount > 10;
     create table checked (id int generated always as identity primary key, state varchar(10) check (state in ('new', 'old')), parent int);
     insert into checked (state) select 'new' from generate_series(1, 50);
     create table emptied (id int unique);
     create unlogged table passing (id int);
     create materialized view totals as select at, sum(amount) from parent group by at;
     create function doubled(n int) returns int language sql as $$ select n * 2 $$;
     create view doubles as select doubled(id) from checked;
     select lo_from_bytea(0, 'a large object');`,
  );
}

/** Writes until it is stopped. */
export interface Load {
  end(): Promise<void>;
}

export async function startPgbench(instance: LabInstance, scale = 1): Promise<Load> {
  const made = await execIn(instance.container, [
    'pgbench',
    '-i',
    '-q',
    '-s',
    String(scale),
    '-U',
    instance.user,
    instance.database,
  ]);
  if (made.code !== 0) throw new Error(made.stderr);
  const running = execIn(instance.container, [
    'pgbench',
    '-n',
    '-c',
    '3',
    '-T',
    '3600',
    '-R',
    '300',
    '-U',
    instance.user,
    instance.database,
  ]);
  return {
    async end() {
      await query(
        instance,
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'pgbench'",
      );
      await running;
    },
  };
}
