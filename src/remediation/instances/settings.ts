import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import type { ReadonlyHost } from '../contract.ts';

/**
 * What the config says for one remediator, under `remediation.settings.<name>`, with its defaults.
 * @throws ProblemsError `bad-config`: it does not fit. That ends the command, since nothing would be looked at as meant.
 */
export function settingsOf<Schema extends z.ZodType>(
  { settings }: Pick<ReadonlyHost, 'settings'>,
  remediator: string,
  schema: Schema,
): z.output<Schema> {
  const parsed = schema.safeParse(settings[remediator] ?? {});
  if (parsed.success) return parsed.data;
  throw new ProblemsError('bad-config', `remediation.settings.${remediator}: ${z.prettifyError(parsed.error)}`);
}
