import type { Candidate, RuleText, Surroundings } from './candidate.ts';
import { cellsOf, type Field } from './fields.ts';
import type { LabelMeaning } from './labels.ts';
import { labelName, meaningOf } from './labels.ts';
import type { Line } from './lines.ts';
import { saysNothing } from './names.ts';
import { isTemplateRow } from './templates.ts';
import { readTitle, titleKey } from './titles.ts';
import { kindsOf } from './tree.ts';

export const rowRule: RuleText = {
  name: 'row',
  matches:
    'a row of a table in a group of problems, with a column for the title and one of the labels; in other parts of a text about problems, with a column for symptoms or problems and one for causes or solutions',
  why: 'A table of results, versions, risks or decisions has neither.',
};

const titleColumns =
  /^(?:title|problem|issue|bug|name|description|limitation|symptom|error|summary|what|known issue|defect|item|problem description|fehler|beschreibung|titel|проблема|название|описание|问题|标题|描述|problema|título|descripción|titre|problème|symptôme|erreur|titolo|sintomo|errore|descrição|sintoma|erro|síntoma|sorun|başlık|vấn đề|tiêu đề|問題|症状)s?$/;

/** A column that says itself that it holds problems needs no other label next to it. */
const explicit =
  /^(?:known )?(?:issue|problem|bug|limitation|symptom|error|error message|problème|symptôme|erreur|problema|sintoma|síntoma|sintomo|erro|errore|fehler|проблема|ошибка|симптом|sorun|vấn đề|问题|症状|問題)e?s?$/;

const plainlyProblems =
  /^(?:known )?(?:issue|problem|bug|limitation|defect|gap|problema|sorun|vấn đề|问题|問題|проблема)s?$/;

/** Whether a column is named as one that holds nothing but problems. */
function namesOneProblem(column: string): boolean {
  return plainlyProblems.test(column);
}

/** What a column says about a symptom in a guide. */
const answers: ReadonlySet<LabelMeaning> = new Set<LabelMeaning>([
  'rootCause',
  'solution',
  'workaround',
  'solutionPlanned',
]);

const otherTables =
  /^(?:likelihood|probability|decision|date decided|version|test|result|pass|expected|metric|target|actual|value|endpoint|port|command|step|input|output|option|default)s?$/;

/** Exercises have such columns, even next to a state. */
const exercises = /^(?:difficulty|diff|pattern|topic|points)s?$/;

/**
 * The rows of tables between two lines that are problems: the table has a column for the title and one of our labels, such as
 * Severity, Status or Workaround, and does not repeat what was found as headings.
 */
export function rowsIn(
  lines: readonly Line[],
  from: number,
  to: number,
  around: Surroundings,
  isGroup: boolean,
): readonly Candidate[] {
  return tablesIn(lines, from, to).flatMap(({ first, end }) => tableRows(lines, first, end, around, isGroup));
}

/** A table: the indexes of its head and of the line after its last row. */
export interface Table {
  readonly first: number;
  readonly end: number;
}

/** The tables that begin between two lines. */
export function tablesIn(lines: readonly Line[], from: number, to: number): readonly Table[] {
  const tables: Table[] = [];
  for (let first = from; first < to; first += 1) {
    if (lines[first]?.type !== 'row' || lines[first - 1]?.type === 'row') continue;
    let end = first;
    while (end < to && lines[end]?.type === 'row') end += 1;
    tables.push({ first, end });
    first = end;
  }
  return tables;
}

/** Results, versions, decisions and exercises. A column "Target" is allowed in a table of issues with their states. */
function isOtherTable(names: readonly string[], column: number): boolean {
  const stated = names.some((name) => ['status', 'severity'].includes(meaningOf(name) ?? ''));
  const isPlain = namesOneProblem(names[column] ?? '') && stated;
  return names.some((name) => exercises.test(name) || (!isPlain && otherTables.test(name)));
}

/** Whether the columns of a table are those of problems, whatever its heading says: a plain name, or a title and a state or severity. */
export function haveProblemColumns(head: string): boolean {
  const names = cellsOf(head).map(labelName);
  const column = titleColumnOf(names);
  const meanings = names.map((name) => (name === 'state' ? 'status' : meaningOf(name)));
  return (
    column !== -1 &&
    !isOtherTable(names, column) &&
    (namesOneProblem(names[column] ?? '') || meanings.includes('status') || meanings.includes('severity'))
  );
}

function tableRows(
  lines: readonly Line[],
  from: number,
  to: number,
  around: Surroundings,
  isGroup: boolean,
): readonly Candidate[] {
  const names = cellsOf(lines[from]?.text ?? '').map(labelName);
  const column = titleColumnOf(names);
  // As a column, a state is never a text about it.
  const meanings = names.map((name, at) =>
    at === column ? null : name === 'state' ? 'status' : (meaningOf(name) ?? null),
  );
  const isNamed = explicit.test(names[column] ?? '');
  const hasLabel = meanings.some((meaning) => meaning !== null && meaning !== 'kept' && meaning !== 'id');
  const hasAnswer =
    namesOneProblem(names[column] ?? '') ||
    (isNamed && meanings.some((meaning) => meaning !== null && answers.has(meaning)));
  if (column === -1 || isOtherTable(names, column) || !(isGroup ? isNamed || hasLabel : hasAnswer)) return [];
  const rows: Candidate[] = [];
  for (let at = from + 2; at < to; at += 1) {
    const cells = cellsOf(lines[at]?.text ?? '');
    const title = readTitle((cells[column] ?? '').replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1'));
    if (title.title === '' || saysNothing(title.title) || isTemplateRow(title.title, cells)) continue;
    const fields: Field[] = cells.flatMap((value, place) => {
      const meaning = meanings[place] ?? null;
      return meaning === null || value === '' || /^[-–—]$/.test(value)
        ? []
        : [{ meaning, label: names[place] ?? '', first: at, last: at, value, remark: '', next: '', nextAt: at }];
    });
    const kinds: ReadonlySet<LabelMeaning> = kindsOf(fields.map(({ meaning }) => meaning));
    const id = fields.find(({ meaning }) => meaning === 'id')?.value ?? idIn(cells);
    rows.push({
      rule: rowRule.name,
      form: 'row',
      at,
      end: at + 1,
      title: title.id === null && id !== undefined ? { ...title, id } : title,
      lead: '',
      body: { fields, nested: [], free: [] },
      kinds,
      around,
      alike: 0,
    });
  }
  return rows.map((row) => ({ ...row, alike: rows.length }));
}

/**
 * Leaves out tables that repeat what is written as headings or items elsewhere: a summary at the start or the end. A row repeats a
 * title if they are equal or one contains the other.
 */
export function withoutSummaries(candidates: readonly Candidate[]): readonly Candidate[] {
  const written = candidates.filter(({ form }) => form !== 'row');
  if (written.length === 0 || written.length === candidates.length) return candidates;
  const keys = new Set(written.map(({ title }) => titleKey(title.title)));
  const ids = new Set(written.flatMap(({ title }) => title.id ?? []));
  const all = [...keys].join('\n');
  const repeats = ({ title, body }: Candidate): boolean => {
    const key = titleKey(title.title);
    const names = body.fields.map(({ value }) => value.replaceAll('*', '').trim());
    return (
      keys.has(key) ||
      names.some((name) => ids.has(name)) ||
      (title.id !== null && ids.has(title.id)) ||
      (key.length >= 8 && all.includes(key))
    );
  };
  const rows = candidates.filter(({ form }) => form === 'row');
  return rows.filter(repeats).length * 3 >= rows.length ? written : candidates;
}

/** A column that is named as a title, else as a description. */
function titleColumnOf(names: readonly string[]): number {
  const strict = names.findIndex((name) =>
    /^(?:title|name|issue|problem|bug|limitation|titel|название|标题|título)s?$/.test(name),
  );
  return strict === -1 ? names.findIndex((name) => titleColumns.test(name)) : strict;
}

function idIn(cells: readonly string[]): string | undefined {
  return cells.find((cell) => /^[A-Z][A-Z0-9]{0,9}-\d{1,6}$/.test(cell));
}
