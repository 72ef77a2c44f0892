import type { Remediation, RunRecord } from '../../app/remediation.ts';
import type { Config } from '../../config/config.ts';
import { ProblemsError } from '../../errors.ts';
import { redactor, type Redactor } from '../../remediation/redact.ts';
import { suggest } from '../../util/suggest.ts';
import type { Service } from '../contract.ts';
import type { TrackedFinding } from '../types.ts';

/** What people and agents can ask of the service, for the HTTP API and MCP alike. */

export interface OperationSettings {
  readonly service: Service;
  /** The project whose registries are read. */
  readonly project: { readonly cwd: string; readonly config: Config };
  readonly now: () => Date;
  /** What several requests must know of each other. */
  readonly shared: SharedWork;
}

export interface SharedWork {
  /** Ids of runs that an approval is starting. */
  readonly approving: Set<string>;
  /** Requests for a repair that are being planned, by engine and finding. */
  readonly requests: Map<string, Promise<RequestedRun>>;
}

export interface RequestedRun {
  readonly run: RunRecord | null;
  /** Why there is no run. */
  readonly refusal: string | null;
}

/** One request. `redactors` are those of the engines that it has opened: its answer goes through them. */
export interface OperationContext extends OperationSettings {
  /** Who asks, for the audit log. */
  readonly by: string;
  /** Whether they may ask for rounds and repairs. */
  readonly mayRequest: boolean;
  readonly redactors: Set<Redactor>;
}

export function newSharedWork(): SharedWork {
  return { approving: new Set(), requests: new Map() };
}

export function contextFor(settings: OperationSettings, by: string, mayRequest = false): OperationContext {
  return { ...settings, by, mayRequest, redactors: new Set([patterns]) };
}

/** The answer without the secrets that are known to the engines it came from. */
export function redacted({ redactors }: OperationContext, answer: unknown): unknown {
  return [...redactors].reduce((value, each) => each.data(value), answer);
}

/** For what comes without an engine: only what looks like a secret is known. */
export function withoutPatterns(value: unknown): unknown {
  return patterns.data(value);
}

const patterns = redactor(() => []);

/** Calls `work` with an opened engine. Default: the first one of the config. */
export function inEngine<Result>(
  context: OperationContext,
  engine: string | undefined,
  work: (remediation: Remediation) => Promise<Result>,
): Promise<Result> {
  return context.service.withRemediation(engine ?? engineNames(context)[0] ?? 'local', (remediation) => {
    context.redactors.add(remediation.session.redact);
    return work(remediation);
  });
}

export interface EngineAnswers<Result> {
  readonly answers: readonly { readonly engine: string; readonly answer: Result }[];
  readonly failures: readonly unknown[];
}

/** Asks every engine. One that is away harms no other. */
export async function inEachEngine<Result>(
  context: OperationContext,
  work: (remediation: Remediation, engine: string) => Promise<Result>,
): Promise<EngineAnswers<Result>> {
  const answers: { readonly engine: string; readonly answer: Result }[] = [];
  const failures: unknown[] = [];
  for (const engine of engineNames(context))
    try {
      const answer = await inEngine(context, engine, (remediation) => work(remediation, engine));
      answers.push({ engine, answer });
    } catch (error) {
      failures.push(error);
    }
  return { answers, failures };
}

export function engineNames({ service }: OperationContext): readonly string[] {
  return service.view().engines.map(({ name }) => name);
}

/**
 * The open finding with this id.
 * @throws ProblemsError `not-found`. `bad-usage`: instances of several engines have it.
 */
export function openFinding({ service }: OperationContext, id: string, engine?: string): TrackedFinding {
  const open = service.view().findings.filter(({ goneAt }) => goneAt === null);
  const [found, other] = open.filter((one) => one.finding.id === id && (engine === undefined || one.engine === engine));
  if (found !== undefined && other !== undefined)
    throw new ProblemsError('bad-usage', `Engines ${found.engine} and ${other.engine} both have the finding ${id}.`, {
      hint: 'Name the engine too.',
    });
  if (found !== undefined) return found;
  const meant = suggest(
    id,
    open.map(({ finding }) => finding.id),
  );
  throw new ProblemsError('not-found', `There is no open finding ${id}.`, {
    hint: meant === undefined ? 'It may be gone: list the findings again.' : `Did you mean ${meant}?`,
  });
}
