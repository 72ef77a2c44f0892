/** Writes what is derived from declarations: the reference pages and the JSON Schemas. CI fails when they drift. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { schemaFiles } from '../src/schema/index.ts';
import { cliReference } from './docs-cli.ts';
import { metricsReference } from './reference-metrics.ts';
import { diagnosticsReference, kindsReference } from './reference.ts';
import { httpReference, mcpReference } from './reference-http.ts';
import { actionsReference, operationsReference, remediatorsReference } from './reference-remediation.ts';

const root = join(import.meta.dirname, '..');

/** Path from the root → content. */
const files: Readonly<Record<string, string>> = {
  'docs/reference/kinds.md': kindsReference(),
  'docs/reference/diagnostics.md': diagnosticsReference(),
  'docs/reference/actions.md': actionsReference(),
  'docs/reference/remediators.md': remediatorsReference(),
  'docs/reference/operations.md': operationsReference(),
  'docs/reference/metrics.md': metricsReference(),
  'docs/reference/cli.md': await cliReference(),
  'docs/reference/http.md': httpReference(),
  'docs/reference/mcp.md': mcpReference(),
  ...Object.fromEntries([...schemaFiles()].map(([name, schema]) => [`schemas/${name}`, json(schema)])),
};

/** Folders that hold nothing but generated files: one whose declaration is gone goes too. */
for (const folder of ['schemas', 'docs/reference']) {
  mkdirSync(join(root, folder), { recursive: true });
  for (const name of readdirSync(join(root, folder)))
    if (!(`${folder}/${name}` in files)) rmSync(join(root, folder, name));
}
for (const [path, content] of Object.entries(files)) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), `${content.trimEnd()}\n`);
}

function json(value: unknown): string {
  return JSON.stringify(value, null, 2);
}
