import { type LabInstance, query } from './instance.ts';

/** Gives the instance a table `orders` with `count` rows that are the same each time. What a repair must not lose. */
export async function addOrders(instance: LabInstance, count = 1000): Promise<void> {
  await query(
    instance,
    `create table orders (id integer primary key, customer text not null, amount numeric(10, 2) not null);
     insert into orders select n, 'customer ' || n % 97, n * 1.25 from generate_series(1, ${count}) as n;`,
  );
}
