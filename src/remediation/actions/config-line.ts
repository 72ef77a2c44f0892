import { hash } from 'node:crypto';
import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import type { Instance } from '../../host/instance.ts';
import type { Action, ReadonlyHost } from '../contract.ts';
import { operations } from '../operations.ts';
import { dataFile } from '../shared/data-directory.ts';
import { settled, writeDataFile } from './data-file.ts';
import { requireInstance, requireStopped } from './setting.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const params = z.strictObject({
  instance: z.string(),
  file: z.enum(['postgresql.conf', 'postgresql.auto.conf']),
  /** Of the text before. */
  sha256,
  /** From 1. A plan holds no text of the lines, which may contain a password. */
  lines: z.array(z.int().min(1)).min(1).max(20),
});

const before = z.strictObject({ text: z.string() });

export const settingCommentOut: Action<z.output<typeof params>, z.output<typeof before>> = {
  name: 'setting.comment-out',
  description:
    'Comments lines out in a config file in the data directory of a stopped server, as its own user. The old file is kept in the journal.',
  params,
  undoState: before,
  operation: operations['comment-out-setting'],
  describe: ({ instance, file, lines }) =>
    `comment out line${lines.length === 1 ? '' : 's'} ${lines.join(', ')} of ${file} of ${instance}`,
  async effect({ instance, file, lines }, host) {
    const text = await textOf(host, await requireInstance(host, instance), file);
    const written = text.split('\n');
    return lines.map((line) => {
      const old = (written[line - 1] ?? '').trim().slice(0, 200);
      return { object: `${file} of ${instance}, line ${line}`, before: old, after: `${mark}${old}` };
    });
  },
  async prepare({ instance, file, sha256: from, lines }, host) {
    const now = await textOf(host, await requireInstance(host, instance), file);
    const text = hash('sha256', now) === from ? now : withoutMarks(now, lines);
    if (hash('sha256', text) !== from) throw changed(instance, file);
    return { text };
  },
  /** By the marks, since the text before is not known here. */
  async isDone({ instance, file, lines, sha256: from }, host) {
    const text = await settledText(host, instance, file);
    return hash('sha256', withoutMarks(text, lines)) === from && hash('sha256', text) !== from;
  },
  async apply({ instance, file, sha256: from, lines }, host) {
    const now = await settledText(host, instance, file);
    if (hash('sha256', now) !== from) {
      if (hash('sha256', withoutMarks(now, lines)) === from) return;
      throw changed(instance, file);
    }
    const found = await requireStopped(host, instance);
    await writeDataFile(host, found, { file, now, text: withMarks(now, lines) });
  },
  async undo({ instance, file, lines }, { text }, host) {
    const now = await settledText(host, instance, file);
    if (now === text) return;
    if (now !== withMarks(text, lines)) throw changed(instance, file);
    await writeDataFile(host, await requireStopped(host, instance), { file, now, text });
  },
  async isUndone({ instance, file }, { text }, host) {
    return (await settledText(host, instance, file)) === text;
  },
};

const mark = '# ';

function withMarks(text: string, lines: readonly number[]): string {
  return text
    .split('\n')
    .map((line, index) => (lines.includes(index + 1) ? `${mark}${line}` : line))
    .join('\n');
}

function withoutMarks(text: string, lines: readonly number[]): string {
  return text
    .split('\n')
    .map((line, index) => (lines.includes(index + 1) && line.startsWith(mark) ? line.slice(mark.length) : line))
    .join('\n');
}

async function settledText(host: ReadonlyHost, name: string, file: string): Promise<string> {
  const instance = await requireInstance(host, name);
  await settled(host, instance);
  return textOf(host, instance, file);
}

async function textOf(host: ReadonlyHost, instance: Instance, file: string): Promise<string> {
  const text = await dataFile(host, instance, file);
  if (text === undefined)
    throw new ProblemsError('step-refused', `${instance.container.name} has no ${file} in its data directory.`);
  return text;
}

function changed(instance: string, file: string): ProblemsError {
  return new ProblemsError(
    'step-refused',
    `${file} of ${instance} was changed by another program and is left unchanged.`,
  );
}
