import { hash } from 'node:crypto';
import { quoteLiteral } from '../util/quote.ts';
import { databasePath } from '../postgres/search-path.ts';

/** A relation by name; without a schema, the search path decides. */
export interface RelationName {
  readonly schema: string | undefined;
  readonly name: string;
}

/**
 * A SELECT that describes relations from the catalog: a JSON object with a list of lines for each name, or null if it does not
 * exist. Equal answers mean the same kind, columns, defaults, constraints, indexes, triggers and definition; the order of
 * columns, owners and privileges are ignored.
 */
export function schemaQuery(relations: readonly RelationName[]): string {
  const names = JSON.stringify(relations.map(({ schema, name }) => ({ schema: schema ?? null, name })));
  return `WITH ${databasePath}
  SELECT coalesce(json_object_agg(o.full_name, d.lines ORDER BY o.full_name), '{}'::json)::text AS description
  FROM (SELECT full_name, CASE WHEN own.set THEN pg_catalog.to_regclass(full_name) END AS oid FROM own, (
      SELECT DISTINCT pg_catalog.concat_ws('.', pg_catalog.quote_ident(e ->> 'schema'), pg_catalog.quote_ident(e ->> 'name')) AS full_name
      FROM pg_catalog.json_array_elements(${quoteLiteral(names)}::json) AS j (e)) AS wanted) AS o
  LEFT JOIN LATERAL (SELECT pg_catalog.array_agg(line ORDER BY line COLLATE "C") AS lines FROM (
      SELECT 'kind ' || c.relkind::text || ' ' || c.relpersistence::text AS line FROM pg_catalog.pg_class AS c WHERE c.oid = o.oid
    UNION ALL SELECT format('column %I %s%s%s%s', a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
        CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END,
        CASE WHEN a.attidentity <> '' THEN ' IDENTITY ' || a.attidentity::text WHEN a.attgenerated <> '' THEN ' GENERATED' ELSE '' END,
        coalesce(' DEFAULT ' || pg_catalog.pg_get_expr(d.adbin, d.adrelid), ''))
      FROM pg_catalog.pg_attribute AS a LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
      WHERE a.attrelid = o.oid AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL SELECT format('constraint %I %s', n.conname, pg_catalog.pg_get_constraintdef(n.oid))
      FROM pg_catalog.pg_constraint AS n WHERE n.conrelid = o.oid AND n.contype <> 'n'
    UNION ALL SELECT pg_catalog.pg_get_indexdef(i.indexrelid) || CASE WHEN i.indisvalid AND i.indisready THEN '' ELSE ' INVALID' END
      FROM pg_catalog.pg_index AS i WHERE o.oid IN (i.indrelid, i.indexrelid)
    UNION ALL SELECT pg_catalog.pg_get_triggerdef(t.oid) FROM pg_catalog.pg_trigger AS t
      WHERE t.tgrelid = o.oid AND NOT t.tgisinternal
    UNION ALL SELECT pg_catalog.pg_get_viewdef(c.oid) FROM pg_catalog.pg_class AS c WHERE c.oid = o.oid AND c.relkind IN ('v', 'm')
    UNION ALL SELECT format('sequence %s %s %s %s %s', pg_catalog.format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmin, s.seqmax)
      FROM pg_catalog.pg_sequence AS s WHERE s.seqrelid = o.oid) AS described) AS d ON true`;
}

/** SHA-256 of an answer, the same for the same relations. */
export function fingerprintOf(answer: string): string {
  return hash('sha256', answer);
}

/** Lines in only one of the two answers: `-` from the first, `+` from the second. Empty if they are the same. */
export function differences(first: string, second: string): readonly string[] {
  const [a, b] = [linesOf(first), linesOf(second)];
  return [
    ...[...a].filter((line) => !b.has(line)).map((line) => `- ${line}`),
    ...[...b].filter((line) => !a.has(line)).map((line) => `+ ${line}`),
  ];
}

function linesOf(answer: string): ReadonlySet<string> {
  const parsed: unknown = JSON.parse(answer);
  if (typeof parsed !== 'object' || parsed === null) throw new Error('no description of relations');
  const all = Object.entries(parsed).flatMap(([name, lines]: [string, unknown]) =>
    Array.isArray(lines) ? lines.map((line) => `${name}: ${String(line)}`) : [`${name}: does not exist`],
  );
  return new Set(all);
}
