import { basename, dirname, join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import type { GivenForecast } from '../learning/given-forecasts.ts';
import { readTextIfPossible } from '../read-file.ts';
import { parseJson } from '../util/json.ts';
import { hourOf, instantOfHour } from './learning-history.ts';

/*
 * What was forecast of tasks, when it was, as lines of JSON in a file next to the state file. It is only compared with what came;
 * nothing is learned from it. So lines that cannot be read are left out, and it may be deleted.
 */

const most = { bytes: 16 * 2 ** 20, lines: 20_000 } as const;

const positive = z.number().positive().max(1e12);

const Line = z.object({
  at: z.iso.datetime(),
  record: z.string().min(1).max(600),
  handler: z.string().min(1).max(500),
  success: z.number().min(0).max(1),
  minutes: z.object({ low: positive, high: positive }),
});

/** The file that belongs to a file of `problems learn`. */
export function forecastLogOf(learningFile: string): string {
  return join(dirname(learningFile), basename(learningFile).replace(/^learning-/, 'forecasts-'));
}

/** Oldest first. Empty if there is no such file. */
export function readForecastLog(path: string): readonly GivenForecast[] {
  const text = readTextIfPossible(path, { most: most.bytes, followLink: false }) ?? '';
  return text
    .split('\n')
    .slice(-most.lines - 1)
    .flatMap((line) => {
      const read = Line.safeParse(parseJson(line));
      if (!read.success) return [];
      const { at, record, handler, success, minutes } = read.data;
      return [{ at: hourOf(Date.parse(at)), record, handler, success, ...minutes }];
    });
}

/**
 * Adds forecasts, except those that say what the latest about the same task and handler says. The newest 20,000 are kept. Of two
 * programs that write at the same moment, one may lose its lines.
 * @throws the error of the file system.
 */
export async function addToForecastLog(path: string, forecasts: readonly GivenForecast[]): Promise<void> {
  const before = readForecastLog(path);
  const latest = new Map(before.map((forecast) => [keyOf(forecast), sayingOf(forecast)]));
  const news = forecasts.filter((forecast) => latest.get(keyOf(forecast)) !== sayingOf(forecast));
  if (news.length === 0) return;
  const lines = [...before, ...news].slice(-most.lines).map((forecast) => `${lineOf(forecast)}\n`);
  await writeFileAtomic(path, lines.join(''), { mode: 0o600 });
}

function lineOf({ at, record, handler, success, low, high }: GivenForecast): string {
  const time = new Date(instantOfHour(at)).toISOString();
  return JSON.stringify({ at: time, record, handler, success, minutes: { low, high } });
}

function keyOf({ record, handler }: GivenForecast): string {
  return JSON.stringify([record, handler]);
}

function sayingOf({ success, low, high }: GivenForecast): string {
  return JSON.stringify([success, low, high]);
}
