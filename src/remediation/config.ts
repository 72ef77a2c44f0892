import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { ProblemsError } from '../errors.ts';
import { jsonValue, operationName } from './schemas.ts';
import { operations } from './operations.ts';
import { maintenanceWindow } from './policy/windows.ts';

const automation = z.enum(['auto', 'approve', 'human']);

const instanceSection = z.strictObject({
  automation: automation.exactOptional(),
  windows: z.array(maintenanceWindow).exactOptional(),
});

/** The section `remediation` of problems.config.*. */
export const remediationConfig = z.strictObject({
  /** Nothing runs unattended; the text says why. */
  pause: z.string().min(1).exactOptional(),
  /** By remediator and by instance; an instance counts before a remediator. */
  automation: z.record(z.string(), automation).default({}),
  instances: z.record(z.string(), instanceSection).default({}),
  /** When instances may be restarted without asking; those of an instance stand in place of these. */
  windows: z.array(maintenanceWindow).default([]),
  /** Operations that need no approval here: `restart-running`, … */
  allow: z.array(operationName).default([]),
  /** Container names that are instances too; a first group is the instance's name. */
  containers: z.string().exactOptional(),
  /** Folders outside the project whose files may be read and edited. */
  roots: z.array(z.string()).default([]),
  /** Folders that hold `<instance>/config/instance.conf`. */
  instanceFolders: z.array(z.string()).default(['resources/postgres/instances', 'instances']),
  /** Folders that hold `<instance>/<backup>/`. New ones are taken to the first. */
  backupFolders: z.array(z.string()).min(1).default(['.vrooli/backups/postgres']),
  passfile: z.string().exactOptional(),
  attemptsPerDay: z.int().positive().default(2),
  /** How long a fixed problem must stay away before its record is resolved. */
  holdDays: z.number().nonnegative().default(7),
  state: z.string().default('.problems/state.db'),
  /** Of single remediators, by name: each checks its own. */
  settings: z.record(z.string(), jsonValue).default({}),
});

export type RemediationConfig = z.output<typeof remediationConfig>;

/**
 * @throws ProblemsError `bad-config`: an unknown key, an operation that no configuration can lower, a bad pattern.
 */
export function readRemediationConfig(value: unknown): RemediationConfig {
  const parsed = remediationConfig.safeParse(value);
  if (!parsed.success)
    throw new ProblemsError('bad-config', `remediation: ${z.prettifyError(parsed.error)}`, {
      hint: 'docs/remediation.md lists all keys.',
    });
  const never = parsed.data.allow.find((name) => operations[name].floor === 'never');
  if (never !== undefined)
    throw new ProblemsError(
      'bad-config',
      `remediation.allow: ${never} is never done by a program and cannot be allowed.`,
    );
  return parsed.data;
}

export function patternOf({ containers }: RemediationConfig): RegExp | undefined {
  if (containers === undefined) return undefined;
  try {
    return new RegExp(containers);
  } catch (cause) {
    throw new ProblemsError('bad-config', `remediation.containers: ${containers} is no regular expression.`, { cause });
  }
}

/** The switch for everything: of the config, or a file `paused` in the state file's folder. */
export function pauseOf(config: RemediationConfig, folder: string): string | undefined {
  if (config.pause !== undefined) return config.pause;
  const file = join(resolve(folder, config.state), '..', 'paused');
  return existsSync(file) ? `the file ${file} stands` : undefined;
}
