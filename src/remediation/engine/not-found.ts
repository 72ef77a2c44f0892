import { ProblemsError } from '../../errors.ts';
import { suggest } from '../../util/suggest.ts';

/** Longer lists do not fit into a hint. */
const mostNames = 8;

/**
 * The error for a name that somebody typed and nothing has: with the name that was probably meant, else with all names
 * that there are, if they are few.
 *
 * @example
 * throw notFound('There is no instance ordrs.', 'ordrs', ['orders', 'reports']); // hint: Did you mean orders?
 */
export function notFound(message: string, name: string, known: readonly string[], otherwise?: string): ProblemsError {
  const meant =
    suggest(name, known) ?? known.find((one) => name !== '' && one.includes(name)) ?? suggestByEnd(name, known);
  const listed = known.length > 0 && known.length <= mostNames ? `There are: ${known.join(', ')}.` : otherwise;
  return new ProblemsError('not-found', message, { hint: meant === undefined ? listed : `Did you mean ${meant}?` });
}

/** `postgres/port-conflicts` may be meant for the end of `vrooli/resources/postgres/port-conflict`. */
function suggestByEnd(name: string, known: readonly string[]): string | undefined {
  const parts = name.split('/').length;
  const ends = known.map((one) => one.split('/').slice(-parts).join('/'));
  const meant = suggest(name, ends);
  return meant === undefined ? undefined : known[ends.indexOf(meant)];
}

/** As `notFound`, for the name of an instance. */
export function instanceNotFound(name: string, instances: readonly { readonly name: string }[]): ProblemsError {
  const names = [...new Set(instances.map((instance) => instance.name))].toSorted();
  return notFound(
    `There is no instance ${name}.`,
    name,
    names,
    '`docker ps -a` shows the containers; docs/remediation/reference.md says which are instances.',
  );
}
