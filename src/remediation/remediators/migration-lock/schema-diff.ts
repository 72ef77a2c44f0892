import type { Instance } from '../../../host/instance.ts';
import {
  schemaQuery,
  differences,
  fingerprintOf,
  type Migration,
  relationsOfFile,
  runnableOf,
} from '../../../migration/index.ts';
import type { ReadonlyHost, Refusal } from '../../contract.ts';
import { type Observation, rowsOf } from './observe.ts';
import { refuseUnrecorded } from './refusals.ts';

const maxCharacters = 2 * 2 ** 20;

const shown = 12;

/**
 * Whether the relations of a file are exactly what it would create: runs the files up to it in an empty server in a
 * temporary container, and compares the catalogs.
 * @returns the fingerprint of the existing relations, or the difference.
 */
export async function compare(
  file: Migration,
  { database, folder }: Observation,
  instance: Instance,
  host: ReadonlyHost,
): Promise<{ readonly fingerprint: string } | Refusal> {
  const relations = relationsOfFile(file);
  if (relations === undefined)
    return refuseUnrecorded(file, 'The file does more than create relations, which cannot be compared.');
  const upTo = (folder?.migrations ?? []).filter(({ version }) => version <= file.version);
  const files: { readonly mode: 'tx' | 'nontx'; readonly sql: string }[] = [];
  for (const { name, sql } of upTo) {
    const runnable = runnableOf(sql);
    if (!('mode' in runnable)) return refuseUnrecorded(file, `It could not be compared, since ${name} cannot be run.`);
    files.push({ mode: runnable.mode, sql: runnable.sql });
  }
  if (files.reduce((sum, { sql }) => sum + sql.length, 0) > maxCharacters)
    return refuseUnrecorded(file, 'The earlier files are too large to run for a comparison.');
  const question = schemaQuery(relations);
  const roles = await rowsOf(
    instance,
    database,
    host,
    `SELECT rolname::text AS name FROM pg_catalog.pg_roles WHERE rolname <> current_user AND NOT pg_catalog.starts_with(rolname::text, 'pg_') ORDER BY rolname`,
  );
  const reference = await host.probes.referenceSchema({
    image: instance.container.image,
    role: instance.user,
    roles: roles.map((row) => row['name'] ?? ''),
    database,
    files,
    question,
  });
  if (!reference.ok) {
    const at = reference.file === undefined ? undefined : upTo[reference.file]?.name;
    return refuseUnrecorded(
      file,
      `It could not be compared: ${at === undefined ? '' : `in an empty database ${at} fails, `}${reference.message}`,
    );
  }
  const [row] = await rowsOf(instance, database, host, question);
  const there = row?.['description'] ?? '{}';
  const found = differences(there, reference.answer);
  if (found.length === 0) return { fingerprint: fingerprintOf(there) };
  const more = found.length > shown ? `; and ${found.length - shown} more` : '';
  return refuseUnrecorded(
    file,
    `It differs (- existing, + from the file): ${found.slice(0, shown).join('; ')}${more}.`,
  );
}
