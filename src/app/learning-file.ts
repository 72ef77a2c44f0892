import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import { ProblemsError } from '../errors.ts';
import type { PastAttempt } from '../learning/past.ts';
import { RecordView } from '../learning/protocol.ts';
import { readTextIfPossible } from '../read-file.ts';
import { parseJson } from '../util/json.ts';
import { hourOf, instantOfHour } from './learning-history.ts';

/*
 * What `problems learn` remembers about a project, in a file next to the state file: from when on attempts count, and attempts
 * that were imported. Lines of JSON, the same as `problems learn export` prints.
 */

export interface LearningFile {
  /** RFC 3339: attempts that ended earlier are left out. Undefined: all count. */
  readonly since: string | undefined;
  readonly imported: readonly PastAttempt[];
}

const most = { bytes: 64 * 2 ** 20, lines: 100_000, lineLength: 64 * 1024 } as const;

const time = z.iso.datetime();

const Attempt = z.object({
  type: z.literal('attempt'),
  startedAt: time,
  endedAt: time,
  handler: z.string().min(1).max(500),
  result: z.enum(['fixed', 'failed', 'vanished']),
  verified: z.boolean(),
  record: RecordView,
});

const Line = z.discriminatedUnion('type', [Attempt, z.object({ type: z.literal('reset'), at: time })]);

/** The file of a project. */
export function learningFileOf(stateFile: string, project: string): string {
  const name = createHash('sha256').update(project).digest('hex').slice(0, 16);
  return join(dirname(stateFile), `learning-${name}.jsonl`);
}

/** @throws ProblemsError `state-damaged`: a line cannot be used. */
export function readLearningFile(path: string): LearningFile {
  const text = readTextIfPossible(path, { most: most.bytes, followLink: false });
  return text === undefined ? { since: undefined, imported: [] } : readLines(text, path);
}

export async function writeLearningFile(path: string, { since, imported }: LearningFile): Promise<void> {
  const lines = [
    ...(since === undefined ? [] : [JSON.stringify({ type: 'reset', at: since })]),
    ...imported.map(lineOf),
  ];
  await writeFileAtomic(path, lines.map((line) => `${line}\n`).join(''), { mode: 0o600 });
}

/** An attempt as a line of JSON: the same attempt is the same line. */
export function lineOf({ record, handler, startedAt, at, result, isVerified }: PastAttempt): string {
  const [began, ended] = [startedAt, at].map((hour) => new Date(instantOfHour(hour)).toISOString());
  const line = { type: 'attempt', startedAt: began, endedAt: ended, handler, result, verified: isVerified, record };
  return JSON.stringify(Attempt.parse(line));
}

/**
 * Reads what `problems learn export` wrote. Imported attempts count as reported, whatever they say: this engine has not verified
 * them.
 * @param source For messages.
 * @throws ProblemsError `state-damaged`: it is too large, or a line cannot be used. Nothing of it is used then.
 */
export function readLines(text: string, source: string): LearningFile {
  if (Buffer.byteLength(text) > most.bytes) throw damaged(source, 'is larger than 64 MiB');
  const lines = text.split('\n');
  if (lines.length > most.lines + 1) throw damaged(source, `has more than ${most.lines} lines`);
  let since: string | undefined;
  const imported: PastAttempt[] = [];
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const parsed = line.length > most.lineLength ? undefined : Line.safeParse(parseJson(line));
    if (parsed?.success !== true) {
      const fault = parsed === undefined ? 'is too long' : `cannot be used: ${faultOf(parsed.error)}`;
      throw damaged(source, `has a line that ${fault} (line ${index + 1})`);
    }
    const value = parsed.data;
    if (value.type === 'reset') since = value.at;
    else imported.push(attemptOf(value));
  }
  return { since, imported };
}

function attemptOf({ record, handler, startedAt, endedAt, result }: z.infer<typeof Attempt>): PastAttempt {
  const [began, ended] = [hourOf(Date.parse(startedAt)), hourOf(Date.parse(endedAt))];
  return { record, handler, startedAt: began, at: ended, result, isVerified: false };
}

function faultOf(error: z.ZodError): string {
  const [first] = error.issues;
  return first === undefined
    ? 'it is not JSON'
    : `${first.path.join('.') || 'the line'}: ${first.message}`.slice(0, 200);
}

function damaged(source: string, fault: string): ProblemsError {
  return new ProblemsError('state-damaged', `${source} ${fault}.`, {
    hint: 'Nothing of it is used. `problems learn export` writes lines that can be read.',
  });
}
