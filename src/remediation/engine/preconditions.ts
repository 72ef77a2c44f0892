import { volumeKey } from '../../host/instances.ts';
import type { Precondition, ReadonlyHost } from '../contract.ts';
import { serverAnswers } from '../shared/availability.ts';

/** What no longer holds of a step's expectations, a sentence each; empty when all do. */
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
      return found === undefined ? undefined : `There is a container ${expectation.ref} by now.`;
    }
    case 'volume-unused': {
      const { id } = await host.docker.info();
      const user = (await host.docker.containers()).find(
        (container) =>
          container.state.running &&
          !expectation.except.includes(container.id) &&
          volumeKey(id, container) === expectation.volumeKey,
      );
      return user === undefined ? undefined : `${user.name} runs on the same data.`;
    }
    case 'not-serving': {
      const found = await host.docker.container(expectation.ref);
      return found !== undefined && (await serverAnswers(found, host)) ? `${found.name} answers by now.` : undefined;
    }
    case 'port-free': {
      const [probe] = await host.probes.portsFree([expectation]);
      return probe?.free === true ? undefined : `Port ${expectation.port} is taken: ${probe?.reason ?? 'unknown'}.`;
    }
    case 'file': {
      const file = await host.files.read(expectation.path);
      return (file?.sha256 ?? null) === expectation.sha256 ? undefined : `${expectation.path} has changed since.`;
    }
  }
}

async function askContainer(
  expected: Precondition & { readonly check: 'container' },
  host: ReadonlyHost,
): Promise<string | undefined> {
  const found = await host.docker.container(expected.ref);
  if (found === undefined) return `The container ${expected.ref} is gone.`;
  if (expected.running !== undefined && found.state.running !== expected.running) {
    return `${found.name} ${found.state.running ? 'runs' : 'does not run'} by now.`;
  }
  if (expected.name !== undefined && found.name !== expected.name)
    return `${expected.name} is called ${found.name} by now.`;
  if (expected.image !== undefined && found.image !== expected.image) return `${found.name} has another image by now.`;
  if (expected.startedAt !== undefined && found.state.startedAt !== expected.startedAt)
    return `${found.name} was started again since.`;
  return undefined;
}
