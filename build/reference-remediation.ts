import { z } from 'zod';
import { actions } from '../src/remediation/actions/index.ts';
import { operations } from '../src/remediation/operations.ts';
import { remediators } from '../src/remediation/remediators/index.ts';
import { verifiers } from '../src/remediation/requests/index.ts';
import type { Schema } from '../src/remediation/standard-schema.ts';
import type { Claims } from '../src/tasks/types.ts';

/** The pages of docs/reference that list what the engine has: actions, remediators, and the rule table. */

export function actionsReference(): string {
  const parts = actions.map((action) => {
    const { operation } = action;
    const rule =
      'running' in operation
        ? `\`${operation.running.name}\` while it runs, \`${operation.stopped.name}\` while it does not`
        : `\`${operation.name}\``;
    return [
      `## ${action.name}`,
      '',
      action.description,
      '',
      `- Rule: ${rule}`,
      `- Undo: ${action.undo === undefined ? 'none, so it stands in the cleanup of a plan only' : 'yes'}`,
      ...Object.entries(propertiesOf(action.params)).map(([name, schema]) => `- \`${name}\`: ${wordsOf(schema)}`),
    ].join('\n');
  });
  return [
    '# Actions',
    '',
    'The only code that changes an instance. Each is convergent: applied twice it equals once, and it knows whether it is done.',
    '',
    parts.join('\n\n'),
  ].join('\n');
}

export function remediatorsReference(): string {
  const parts = [...remediators, ...verifiers].map((one) =>
    [
      `## ${one.name}`,
      '',
      one.description,
      ...(hasClaims(one) ? ['', claimsText(one.claims)] : []),
      ...(one.settings === undefined ? [] : ['', ...settingsTable(one.name, one.settings)]),
    ].join('\n'),
  );
  return [
    '# Remediators',
    '',
    'They detect problems and plan repairs; they change nothing themselves.',
    '',
    parts.join('\n\n'),
  ].join('\n');
}

function hasClaims<One extends object>(one: One): one is One & { readonly claims: Claims } {
  return 'claims' in one && one.claims !== undefined;
}

function claimsText({ topic, class: kind, phrases }: Claims): string {
  return `Claims records about ${topic} (class \`${kind}\`): ${phrases.map((phrase) => `“${phrase}”`).join(', ')}.`;
}

function settingsTable(name: string, schema: Schema): readonly string[] {
  const rows = Object.entries(propertiesOf(schema)).map(
    ([key, property]) => `| \`${key}\` | ${defaultOf(property)} | ${String(fieldOf(property, 'description'))} |`,
  );
  return [`| \`remediation.settings.${name}\` | default | meaning |`, '| --- | --- | --- |', ...rows];
}

function defaultOf(schema: unknown): string {
  const value = fieldOf(schema, 'default');
  const isEmpty = value === undefined || (value instanceof Object && Object.keys(value).length === 0);
  return isEmpty ? 'none' : `\`${JSON.stringify(value)}\``;
}

function fieldOf(schema: unknown, key: string): unknown {
  return schema instanceof Object ? Reflect.get(schema, key) : undefined;
}

export function operationsReference(): string {
  const rows = Object.entries(operations).map(
    ([name, { floor, description }]) => `| \`${name}\` | ${floor} | ${description} |`,
  );
  return [
    '# The rule table',
    '',
    'The floor beneath every decision. `approve` becomes `auto` only where the config names the operation under `allow`;',
    '`never` cannot be lowered.',
    '',
    '| Operation | Floor | What it is |',
    '| --- | --- | --- |',
    ...rows,
  ].join('\n');
}

/** Of our own schemas, which are all of zod. */
function propertiesOf(schema: Schema): Readonly<Record<string, unknown>> {
  if (!(schema instanceof z.ZodType)) throw new TypeError('only schemas of zod can be listed');
  const { properties = {} } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return properties;
}

function wordsOf(schema: unknown): string {
  if (typeof schema !== 'object' || schema === null) return 'any';
  const type =
    'type' in schema && typeof schema.type === 'string' ? schema.type : 'enum' in schema ? 'one of a list' : 'any';
  return 'default' in schema ? `${type}, default ${JSON.stringify(schema.default)}` : type;
}
