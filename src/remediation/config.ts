import { z } from 'zod';
import { checkConfig, type Origin } from '../config/load.ts';
import { ProblemsError } from '../errors.ts';
import { suggest } from '../util/suggest.ts';
import type { Remediator } from './contract.ts';
import type { Operation } from './operations.ts';
import { maintenanceWindow } from './policy/policy.ts';
import { jsonValue } from './schemas.ts';
import { checkValue } from './standard-schema.ts';

const automation = z.enum(['auto', 'approve', 'human']);

const instanceSection = z.strictObject({
  automation: automation
    .exactOptional()
    .describe('How far repairs of this instance may go unattended. Takes precedence over the remediator’s.'),
  windows: z
    .array(maintenanceWindow)
    .exactOptional()
    .describe('The maintenance windows of this instance, instead of the general ones.'),
});

/** The section `remediation` of problems.config.*. Each remediator declares its own `settings`. */
export const remediationConfig = z.strictObject({
  pause: z.string().min(1).exactOptional().describe('While this is set nothing runs; the text is given as the reason.'),
  automation: z
    .record(z.string(), automation)
    .default({})
    .describe('How far repairs may go unattended, by remediator: they run, they wait for approval, or you do them.'),
  instances: z.record(z.string(), instanceSection).default({}).describe('By instance, without the name’s prefix.'),
  windows: z
    .array(maintenanceWindow)
    .default([])
    .describe('When instances may be restarted without approval, in UTC. `to` before `from` ends on the next day.'),
  expect: z
    .array(z.string().min(1))
    .default([])
    .describe('Instances that must exist. One without a container is a finding, even if it was never seen.'),
  allow: z
    .array(z.string())
    .default([])
    .describe('Operations that need no approval here, such as `restart-running`: docs/reference/operations.md.'),
  containers: z
    .string()
    .exactOptional()
    .describe('Pattern of further container names that are instances; its first group is the instance’s name.'),
  roots: z.array(z.string()).default([]).describe('Folders outside the project whose files may be read and edited.'),
  compose: z
    .enum(['edit', 'override', 'refuse'])
    .default('edit')
    .describe(
      'Whether a repair may change the Compose files of an instance, only an override file beside them, or only says what to change.',
    ),
  instanceFolders: z
    .array(z.string())
    .default(['resources/postgres/instances', 'instances'])
    .describe('Folders that hold `<instance>/config/instance.conf`.'),
  backupFolders: z
    .array(z.string())
    .min(1)
    .default(['.vrooli/backups/postgres'])
    .describe('Folders that hold `<instance>/<backup>/`. New backups go to the first.'),
  backupKeys: z
    .strictObject({ age: z.string().min(1).exactOptional(), gpg: z.string().min(1).exactOptional() })
    .default({})
    .describe(
      'Files with the keys of encrypted backups, so that these can be checked: an identity of age, the passphrase of gpg. Only their owner may read them.',
    ),
  md5: z
    .array(z.string().min(1))
    .default([])
    .describe(
      'Instances whose servers may ask for an MD5 hash of the password, or for fewer than 4,096 iterations of SCRAM.',
    ),
  helperImage: z
    .string()
    .regex(/(?:^|@)sha256:[0-9a-f]{64}$/, 'must name an image by its digest (name@sha256:…) or its id (sha256:…)')
    .exactOptional()
    .describe(
      'An image that is on the machine, for helpers that need a shell with bash, tar and find, and nothing of the instance’s image. Default: one that is made of these programs of this machine; if that cannot be, the instance’s.',
    ),
  passfile: z.string().exactOptional().describe('The passfile to use. Default: PGPASSFILE, else ~/.pgpass.'),
  attemptsPerDay: z
    .int()
    .positive()
    .default(2)
    .describe('Failures of one remediator on one instance within 24 hours after which it no longer runs unattended.'),
  holdDays: z
    .number()
    .nonnegative()
    .default(7)
    .describe('For how many days a fixed problem must stay away before its record is resolved.'),
  state: z
    .string()
    .min(1)
    .exactOptional()
    .describe('The state file. Default: PROBLEMS_STATE, else one for each Docker engine in your state folder.'),
  settings: z.record(z.string(), jsonValue).default({}).describe('Settings of remediators, by name.'),
});

export type RemediationConfig = z.output<typeof remediationConfig>;

/** What the config needs to know of a remediator. */
type Configurable = Pick<Remediator, 'name' | 'settings'>;

/**
 * The section's schema with the settings of these remediators whose schemas are of zod. It accepts any settings for
 * plugins.
 */
export function remediationSection(remediators: readonly Configurable[]): z.ZodType {
  const known = remediators.flatMap(({ name, settings }) =>
    settings instanceof z.ZodType ? [[name, settings.exactOptional()] as const] : [],
  );
  return remediationConfig.extend({
    settings: z
      .object(Object.fromEntries(known))
      .catchall(z.record(z.string(), jsonValue))
      .exactOptional()
      .describe('Settings of remediators, plugins included, by name.'),
  });
}

export interface SectionContext {
  /** Built-in ones and those of plugins. */
  readonly remediators: readonly Configurable[];
  /** By name, those that plugins declare too. */
  readonly operations: ReadonlyMap<string, Operation>;
  /** The file that the section comes from, as users call it. */
  readonly file?: string | undefined;
}

/**
 * The section, checked as a whole and remediator by remediator. Settings stay as the file states them.
 * @throws ProblemsError `bad-config`: an unknown key, an invalid value, settings of an unknown remediator, an
 * unknown operation, or one that no config can allow. The message names the file and the key.
 */
export function readRemediationConfig(value: unknown, context: SectionContext): RemediationConfig {
  const config = checkConfig(remediationConfig, value, { file: context.file, keys: ['remediation'] });
  for (const name of config.allow) checkAllowed(name, context);
  for (const [name, settings] of Object.entries(config.settings)) checkSettings(name, settings, context);
  return config;
}

function checkAllowed(name: string, { operations, file }: SectionContext): void {
  const operation = operations.get(name);
  if (operation?.floor === 'never')
    throw new ProblemsError(
      'bad-config',
      `${locate(file)}remediation.allow: ${name} never runs automatically and cannot be allowed.`,
    );
  if (operation !== undefined) return;
  const meant = suggest(name, operations.keys());
  throw new ProblemsError('bad-config', `${locate(file)}remediation.allow: unknown operation ${name}`, {
    hint: meant === undefined ? 'docs/reference/operations.md lists the operations.' : `Did you mean ${meant}?`,
  });
}

function checkSettings(name: string, settings: unknown, { remediators, file }: SectionContext): void {
  const origin: Origin = { file, keys: ['remediation', 'settings', name] };
  const remediator = remediators.find((one) => one.name === name);
  if (remediator?.settings !== undefined) {
    if (remediator.settings instanceof z.ZodType) {
      checkConfig(remediator.settings, settings, origin);
      return;
    }
    const checked = checkValue(remediator.settings, settings);
    if (checked.ok) return;
    throw new ProblemsError('bad-config', `${locate(file)}${origin.keys.join('.')}: ${checked.fault}`);
  }
  const configurable = remediators.filter((one) => one.settings !== undefined).map((one) => one.name);
  const meant = suggest(name, configurable);
  const fault = remediator === undefined ? `unknown remediator ${name}` : `${name} has no settings`;
  throw new ProblemsError('bad-config', `${locate(file)}${origin.keys.join('.')}: ${fault}`, {
    hint: meant === undefined ? `Remediators with settings: ${configurable.join(', ')}.` : `Did you mean ${meant}?`,
  });
}

function locate(file: string | undefined): string {
  return file === undefined ? '' : `${file}: `;
}
