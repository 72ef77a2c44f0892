import { volumeKey } from '../../host/instances.ts';
import type { Precondition, ReadonlyHost } from '../contract.ts';
import { serverAnswers } from '../shared/availability.ts';

/** The preconditions of a step that no longer hold, one sentence each; empty if all hold. */
export async function failedPrecondition(
  expectations: readonly Precondition[],
  host: ReadonlyHost,
): Promise<readonly string[]> {
  const answers = await Promise.all(expectations.map((expectation) => ask(expectation, host)));
  return answers.filter((answer) => answer !== undefined);
}

async function ask(expectation: Precondition, host: ReadonlyHost): Promise<string | undefined> {
  switch (expectation.check) {
    case 'container':
      return askContainer(expectation, host);
    case 'no-container': {
      const found = await host.docker.container(expectation.ref);
      return found === undefined ? undefined : `Container ${expectation.ref} already exists.`;
    }
    case 'volume-unused': {
      const { id } = await host.docker.info();
      const user = (await host.docker.containers()).find(
        (container) =>
          container.state.running &&
          !expectation.except.includes(container.id) &&
          volumeKey(id, container) === expectation.volumeKey,
      );
      return user === undefined ? undefined : `${user.name} is running on the same data.`;
    }
    case 'not-serving': {
      const found = await host.docker.container(expectation.ref);
      return found !== undefined && (await serverAnswers(found, host))
        ? `${found.name} is accepting connections again.`
        : undefined;
    }
    case 'port-free': {
      const [probe] = await host.probes.portsFree([expectation]);
      return probe?.free === true ? undefined : `Port ${expectation.port} is in use: ${probe?.reason ?? 'unknown'}.`;
    }
    case 'file': {
      const file = await host.files.read(expectation.path);
      return (file?.sha256 ?? null) === expectation.sha256
        ? undefined
        : `${expectation.path} has changed since it was checked.`;
    }
  }
}

async function askContainer(
  expected: Precondition & { readonly check: 'container' },
  host: ReadonlyHost,
): Promise<string | undefined> {
  const found = await host.docker.container(expected.ref);
  if (found === undefined) return `Container ${expected.ref} no longer exists.`;
  if (expected.running !== undefined && found.state.running !== expected.running) {
    return `${found.name} ${found.state.running ? 'is running' : 'has stopped'}.`;
  }
  if (expected.name !== undefined && found.name !== expected.name)
    return `Container ${expected.name} has been renamed to ${found.name}.`;
  if (expected.image !== undefined && found.image !== expected.image) return `${found.name} now runs another image.`;
  if (expected.startedAt !== undefined && found.state.startedAt !== expected.startedAt)
    return `${found.name} has been restarted since it was checked.`;
  return undefined;
}
