import { type Candidate, countKinds } from './candidate.ts';
import type { Line } from './lines.ts';
import { namesGuide } from './names.ts';
import { words } from './values.ts';

/**
 * A homonym: outside of issue lists, "problems" are often exercises of a contest or a course, or tasks for an algorithm. They
 * ask for something, have inputs and constraints, and nobody states their severity or a workaround.
 */
/** A sentence that begins so asks for something; "there is no way to find the cause" does not. */
const asks = new RegExp(
  String.raw`(?:^|[\n.!?:;。：]|\*\*|\btask is to)[\s\W]{0,12}(?:given (?:an?|the|two|three|some|n|that)|you are given|write (?:a|an|the) (?:program|function|script|method|class|query|recursive)|implement (?:a|an|the)|design (?:a|an) (?:algorithm|data structure|class)|find (?:the|all|a|an|out|two|if|whether)|determine (?:if|whether|the)|return (?:the|true|all|indices|a)|prove that|show that|compute (?:the|all)|calculate (?:the|all)|how many (?:ways|different)|print (?:the|all)|count the|schreibe? (?:ein|eine)|напишите|дан[ыоа]?|найдите|escriba|dado un)(?![\p{L}\p{N}])|编写|给定|实现一个`,
  'iu',
);

const parts = words(
  String.raw`constraints|sample (?:input|output)|input format|output format|example input|time limit|memory limit|time complexity|space complexity|difficulty|test cases|expected output|leetcode|codeforces|hackerrank|atcoder|codewars|kattis|spoj|project euler|advent of code`,
);

const namesExercises = words(
  String.raw`problem sets?|exercises?|homework|assignments?|practice problems?|coding problems?|interview (?:problems?|questions?)|contests?|challenges to solve|kata|leetcode|project euler|puzzles?|algorithm problems?|sample problems?|math problems?|problem statements?|übungen|aufgaben|задачи|задача|ejercicios`,
  '习题|练习|题目',
);

/** Whether what was found are exercises: most of it asks for something, and none of it has the labels of a fault. */
export function areExercises(candidates: readonly Candidate[], lines: readonly Line[]): boolean {
  const head = lines.find(({ type }) => type === 'heading')?.text ?? '';
  if (candidates.length === 0 || candidates.some(isFault) || namesGuide(head)) return false;
  const asking = candidates.filter((candidate) => isAsked(candidate, lines)).length;
  return (
    asking * 3 >= candidates.length ||
    (namesExercises.test(head) && candidates.every(({ kinds }) => countKinds(kinds) < 2))
  );
}

function isFault({ kinds, title }: Candidate): boolean {
  return (
    (['rootCause', 'workaround', 'status', 'severity', 'reproductionSteps'] as const).some((kind) => kinds.has(kind)) ||
    title.isStruck
  );
}

function isAsked({ title, lead, at, end }: Candidate, lines: readonly Line[]): boolean {
  // "# find the process" in a block of code asks nobody.
  const below = lines.slice(at + 1, Math.min(end, at + 12)).filter(({ type }) => type !== 'code');
  const text = [title.raw, lead, ...below.map((line) => line.text)].join('\n').slice(0, 2_000);
  return asks.test(text) || parts.test(text);
}
