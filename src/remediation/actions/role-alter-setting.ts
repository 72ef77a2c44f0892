import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import { quoteIdentifier } from '../../util/quote.ts';
import type { Instance } from '../../host/instance.ts';
import { knownSetting, unfitValue } from '../../postgres/settings.ts';
import type { Action, Host, ReadonlyHost } from '../contract.ts';
import { requireInstance } from './setting.ts';
import { operations } from '../operations.ts';

const identifier = z
  .string()
  .min(1)
  .max(63)
  .regex(/^[^\0\\]+$/);

const params = z
  .strictObject({
    instance: z.string(),
    /** Every session of this role … */
    role: identifier.exactOptional(),
    /** … in this database; without a role, of all roles. */
    database: identifier.exactOptional(),
    name: z
      .string()
      .refine((name) => knownSetting(name)?.perRole === true, 'is not a setting that can be changed for a role'),
    /** null: reset. */
    value: z.string().nullable(),
  })
  .refine(({ role, database }) => role !== undefined || database !== undefined, 'names neither a role nor a database')
  .superRefine(({ name, value }, context) => {
    const unfit = value === null ? undefined : unfitValue(name, value);
    if (unfit !== undefined) context.addIssue({ code: 'custom', message: `${name} ${unfit}` });
  });

type Wanted = z.output<typeof params>;

const before = z.strictObject({ value: z.string().nullable() });

/** Affects new sessions of one application instead of all. See docs/engineering/settings.md#timeouts. */
export const roleAlterSetting: Action<Wanted, z.output<typeof before>> = {
  name: 'role.alter-setting',
  description: 'Sets or resets a setting for new sessions of a role or a database.',
  params,
  undoState: before,
  operation: operations['reload-setting'],
  describe: (wanted) =>
    `${wanted.value === null ? `reset ${wanted.name}` : `set ${wanted.name} to ${wanted.value}`} for ${subjectOf(wanted)} on ${wanted.instance}`,
  async effect(wanted, host) {
    const value = await valueOf(wanted, await requireInstance(host, wanted.instance), host);
    return [
      {
        object: `${wanted.instance}: ${wanted.name} for ${subjectOf(wanted)}`,
        before: value ?? 'none',
        after: wanted.value ?? 'none',
      },
    ];
  },
  async prepare(wanted, host) {
    return { value: await valueOf(wanted, await requireInstance(host, wanted.instance), host) };
  },
  async isDone(wanted, host) {
    return (await valueOf(wanted, await requireInstance(host, wanted.instance), host)) === wanted.value;
  },
  async apply(wanted, host) {
    await put(wanted, wanted.value, host);
  },
  async undo(wanted, { value }, host) {
    const now = await valueOf(wanted, await requireInstance(host, wanted.instance), host);
    if (now !== value && now !== wanted.value)
      throw new ProblemsError(
        'step-refused',
        `${wanted.name} for ${subjectOf(wanted)} has been changed since and is left unchanged.`,
      );
    await put(wanted, value, host);
  },
  async isUndone(wanted, { value }, host) {
    return (await valueOf(wanted, await requireInstance(host, wanted.instance), host)) === value;
  },
};

async function put(wanted: Wanted, value: string | null, host: Host): Promise<void> {
  const instance = await requireInstance(host, wanted.instance);
  if ((await valueOf(wanted, instance, host)) === value) return;
  const { role, database, name } = wanted;
  const subject =
    role === undefined
      ? `DATABASE ${quoteIdentifier(database ?? '')}`
      : `ROLE ${quoteIdentifier(role)}${database === undefined ? '' : ` IN DATABASE ${quoteIdentifier(database)}`}`;
  const change = value === null ? `RESET ${name}` : `SET ${name} = '${value.replaceAll("'", "''")}'`;
  const answer = await host.change.sql.execute(instance, `ALTER ${subject} ${change}`);
  if (!answer.ok) throw new Error(`${instance.name}: ${answer.message}`);
}

/** The value for exactly this role and database; null if unset. */
async function valueOf(
  { role, database, name }: Wanted,
  instance: Instance,
  host: ReadonlyHost,
): Promise<string | null> {
  const answer = await host.sql.query(
    instance,
    `SELECT config FROM pg_catalog.pg_db_role_setting
     LEFT JOIN pg_catalog.pg_roles ON pg_roles.oid = setrole LEFT JOIN pg_catalog.pg_database ON pg_database.oid = setdatabase,
     LATERAL pg_catalog.unnest(setconfig) AS config
     WHERE coalesce(rolname, '') = $1 AND coalesce(datname, '') = $2 AND pg_catalog.starts_with(config, $3)`,
    { values: [role ?? '', database ?? '', `${name}=`] },
  );
  if (!answer.ok) throw new Error(`cannot read the role settings of ${instance.name}: ${answer.message}`);
  return answer.rows[0]?.['config']?.slice(name.length + 1) ?? null;
}

function subjectOf({ role, database }: Wanted): string {
  if (role === undefined) return `the database ${database}`;
  return database === undefined ? `the role ${role}` : `the role ${role} in ${database}`;
}
