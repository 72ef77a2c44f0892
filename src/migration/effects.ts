import type { RelationName } from './schema-fingerprint.ts';
import type { Migration } from './files.ts';
import { runnableOf } from './mode.ts';
import { madeBy, type NamedObject } from './objects.ts';

/** The index that a file builds concurrently; undefined for every other file. */
export function indexOfFile({ sql }: Pick<Migration, 'sql'>): NamedObject | undefined {
  const runnable = runnableOf(sql);
  if (!('mode' in runnable) || runnable.mode !== 'nontx' || runnable.kind.resumption !== 'index') return undefined;
  return madeBy(runnable.sql, runnable.statement);
}

/** The relations that a file makes, if making relations is all that it does; else undefined. */
export function relationsOfFile({ sql }: Pick<Migration, 'sql'>): readonly RelationName[] | undefined {
  const runnable = runnableOf(sql);
  if (!('mode' in runnable)) return undefined;
  const statements = runnable.mode === 'tx' ? runnable.statements : [runnable.statement];
  const made = statements.map((statement) => madeBy(sql, statement));
  const relations = made.filter((one) => one !== undefined && isRelation(one));
  if (relations.length < statements.length || relations.length === 0) return undefined;
  return relations.flatMap((one) =>
    one === undefined ? [] : [{ schema: one.schema ?? one.table?.schema, name: one.name }],
  );
}

export function isRelation({ kind }: NamedObject): boolean {
  return kind === 'table' || kind === 'view' || kind === 'sequence' || kind === 'index';
}
