import { ProblemsError } from '../errors.ts';
import type { Instance } from './instance.ts';

/**
 * The instance of a name, where there is one.
 * @throws ProblemsError `step-refused`: several go by it, by label and by the container's name. Whichever was taken could
 * be the other one.
 */
export function onlyInstance(all: readonly Instance[], name: string): Instance | undefined {
  const named = all.filter((instance) => instance.name === name);
  if (named.length < 2) return named[0];
  const containers = named.map(({ container }) => container.name).toSorted();
  throw new ProblemsError('step-refused', `${name} is the name of several instances: ${containers.join(' and ')}.`, {
    hint: 'Give each a name of its own, by another label `problems.instance` or another name of its container.',
  });
}
