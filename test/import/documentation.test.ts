import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { format } from 'prettier';
import { expect, it } from 'vitest';
import { importRules } from '../../src/import/find.ts';
import { sureConfidence } from '../../src/import/index.ts';
import { labels } from '../../src/import/labels.ts';
import { meaningOf } from '../../src/import/labels.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/import.md'), 'utf8');

/** What each meaning is called on the page, in the order of the table. */
const names: Readonly<Record<string, string>> = {
  description: 'description',
  rootCause: 'root cause',
  workaround: 'workaround',
  solution: 'solution, done or not',
  solutionPlanned: 'solution, not done',
  solutionDone: 'solution, done',
  impactAssessment: 'impact, as text',
  lessons: 'lessons',
  evidence: 'evidence',
  reproductionSteps: 'steps to reproduce',
  status: 'status',
  severity: 'severity',
  priority: 'severity, if no label states it',
  discovered: 'discovered',
  resolved: 'resolved',
  date: 'date of the entry',
  id: 'id',
  frequency: 'frequency, as text',
  kept: 'kept as text',
};

const languages = {
  en: 'English',
  de: 'German',
  ru: 'Russian',
  zh: 'Chinese',
  es: 'Spanish',
  fr: 'French',
  pt: 'Portuguese',
  it: 'Italian',
  tr: 'Turkish',
  vi: 'Vietnamese',
  ja: 'Japanese',
} as const;

/** The table of labels, as `prettier` writes it. */
function table(): Promise<string> {
  const rows = Object.entries(labels).flatMap(([meaning, byLanguage]) =>
    Object.entries(byLanguage).map(([language, words]) => {
      const name = language === 'en' ? names[meaning] : '';
      return `| ${name ?? meaning} | ${languageName(language)} | ${words.trim().replaceAll(/\s+/g, ' ')} |`;
    }),
  );
  return format(['| meaning | language | labels |', '| --- | --- | --- |', ...rows].join('\n'), { parser: 'markdown' });
}

function languageName(language: string): string {
  return Object.entries(languages).find(([code]) => code === language)?.[1] ?? language;
}

it('docs/import.md shows the table of labels as it is declared', async () => {
  expect(page.split('<!-- labels -->')[1]?.split('\n## ')[0]?.trim()).toBe((await table()).trim());
});

const verdicts = { problem: 'a problem', inside: 'no problem; what is below it may be', text: 'text' } as const;

it('docs/import.md shows the rules as they are declared, in their order', async () => {
  const rows = importRules.map(
    ({ name, matches, verdict, why }) => `| ${name} | ${matches} | ${verdicts[verdict]} | ${why} |`,
  );
  const all = ['| rule | what it applies to | what it is | why |', '| --- | --- | --- | --- |', ...rows].join('\n');
  expect(page.split('<!-- rules -->')[1]?.split('\n## ')[0]?.trim()).toBe(
    (await format(all, { parser: 'markdown' })).trim(),
  );
});

it('has a name of its own for each rule', () => {
  const names = importRules.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});

it('docs/import.md names the limit of confidence', () => {
  expect(page).toContain(`Proposals of ${sureConfidence} and more`);
});

it('finds every label of the table under its first meaning', () => {
  const seen = new Set<string>();
  for (const [meaning, byLanguage] of Object.entries(labels)) {
    for (const label of Object.values(byLanguage)
      .flatMap((words) => words.split(','))
      .map((word) => word.trim().replaceAll(/\s+/g, ' '))) {
      if (!seen.has(label)) expect(meaningOf(label), label).toBe(meaning);
      seen.add(label);
    }
  }
});

it.each([
  ['Root Cause IDENTIFIED', 'rootCause'],
  ['Resolution (Iteration 9)', 'solution'],
  ['Potential workarounds', 'workaround'],
  ['Recommended solution', 'solutionPlanned'],
  ['Workaround applied', undefined],
  ['Docker setup', undefined],
])('reads the label "%s" as %s', (label, meaning) => {
  expect(meaningOf(label)).toBe(meaning);
});
