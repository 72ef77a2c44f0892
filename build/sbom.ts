/**
 * Writes the bill of materials of the package, CycloneDX 1.5, to standard output or to a file:
 *
 *     node build/sbom.ts [file]
 *
 * npm lists what package-lock.json pins, with its hashes. Of these it keeps what users get: the packages that are installed
 * with ours, and those that `dist/` contains, which `dist/third-party-licenses.txt` names. Run `npm run build` first.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

interface Component {
  readonly 'bom-ref': string;
  readonly scope?: string;
  readonly properties?: readonly { readonly name: string; readonly value: string }[];
}

interface Bill {
  readonly metadata: { readonly component: Readonly<Record<string, unknown>> };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
}

/** Of every package, those of development included. */
function wholeBill(): Bill {
  const words = ['sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'library', '--package-lock-only'];
  const { status, stdout, stderr } = spawnSync('npm', words, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  if (status !== 0) throw new Error(`npm sbom fails: ${stderr}`);
  return JSON.parse(stdout) as Bill;
}

/** `name@version` of each package whose code is in `dist/`. */
function bundled(): ReadonlySet<string> {
  const text = readFileSync('dist/third-party-licenses.txt', 'utf8');
  return new Set(
    Array.from(text.matchAll(/^(\S+) (\d\S*) \(.+\)\n\n-+$/gm), ([, name, version]) => `${name}@${version}`),
  );
}

function ofUsers(bill: Bill, inBundle: ReadonlySet<string>): Bill {
  const components = bill.components.filter(
    ({ 'bom-ref': ref, properties = [] }) =>
      inBundle.has(ref) || !properties.some(({ name }) => name === 'cdx:npm:package:development'),
  );
  // npm names the package after its folder, and knows bundled packages as tools of development.
  const { component } = bill.metadata;
  const name = String(component['bom-ref']).replace(/@[^@]*$/, '');
  const kept = new Set(components.map((component) => component['bom-ref']));
  const missing = [...inBundle].filter((ref) => !kept.has(ref));
  if (missing.length > 0) throw new Error(`package-lock.json does not pin ${missing.join(', ')} of dist/.`);
  const dependencies = bill.dependencies.flatMap(({ ref, dependsOn = [] }) =>
    kept.has(ref) || !bill.components.some((component) => component['bom-ref'] === ref)
      ? [{ ref, dependsOn: dependsOn.filter((one) => kept.has(one)) }]
      : [],
  );
  return {
    ...bill,
    metadata: { ...bill.metadata, component: { ...component, name } },
    components: components.map((one) => ({ ...one, scope: 'required', properties: [] })),
    dependencies,
  };
}

const text = `${JSON.stringify(ofUsers(wholeBill(), bundled()), undefined, 2)}\n`;
const [file] = process.argv.slice(2);
if (file === undefined) process.stdout.write(text);
else writeFileSync(file, text);
