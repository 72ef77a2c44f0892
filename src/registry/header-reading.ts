import type { Draft, RecordContext } from './draft.ts';
import type { KindDeclaration } from './kinds/declaration.ts';
import { lookupKind } from './kinds/lookup.ts';
import { readLabels } from './parse/labels.ts';
import { quote } from './report.ts';
import type { Shape } from './sections/shape.ts';
import type { Value } from './text.ts';
import { reportUnknownName } from './unknown-name.ts';
import { dayOf } from './values/values.ts';
import { readHeaderValue } from './values/header-value.ts';

/** Reads the `**Label:** value` lines under the title. */
export function readHeader(shape: Shape, kind: KindDeclaration, draft: Draft, context: RecordContext): void {
  const { text, report } = context;
  const { header } = lookupKind(kind);
  const seen = new Map<string, Value>();
  for (const { label, value } of readLabels(text, shape.header)) {
    if (label === undefined) {
      if (kind.freeForm !== true) report.add('text-stray', value);
      draft.keep('text', value.text);
      continue;
    }
    const name = text.slice(label.start, label.end);
    const known = header.find(name);
    if (known === undefined) {
      reportUnknownName('label-unknown', label, name, header, `a header label of ${kind.name} records`, report);
      draft.keep(name, value.text);
    } else if (seen.has(known.property)) {
      report.add('label-repeated', label, { message: `${quote(name)} stands twice; the first value counts.` });
      draft.keep(name, value.text);
    } else {
      seen.set(known.property, value);
      // A wrong value has a place too: an edit must find where to put the right one.
      draft.place(known.property, value);
      const read = readHeaderValue(value, known.entry.value, report);
      if (read !== undefined) draft.values[known.property] = read;
    }
  }
  reportMissing(shape, kind, seen, context);
  checkOrder(draft, seen, context);
}

function reportMissing(
  shape: Shape,
  kind: KindDeclaration,
  seen: ReadonlyMap<string, Value>,
  { report }: RecordContext,
): void {
  const missing = lookupKind(kind).header.all.filter(
    ({ property, entry }) => entry.required === true && (seen.get(property)?.text ?? '') === '',
  );
  if (missing.length === 0 || shape.title === undefined) return;
  report.add('label-missing', shape.title, {
    message: `This record has no ${missing.map(({ label }) => label).join(', ')}.`,
    hint: `Add ${missing.map(({ label }) => `**${label}:**`).join(', ')} under the title.`,
  });
}

/** A problem cannot have last occurred before it was discovered. ISO days order as text does. */
function checkOrder(draft: Draft, seen: ReadonlyMap<string, Value>, { report }: RecordContext): void {
  const { discovered, lastOccurrence } = draft.values;
  const value = seen.get('lastOccurrence');
  if (typeof discovered !== 'string' || typeof lastOccurrence !== 'string' || value === undefined) return;
  if (dayOf(lastOccurrence) < dayOf(discovered)) {
    report.add('date-order', value, {
      message: `It last occurred on ${dayOf(lastOccurrence)}, before it was discovered on ${dayOf(discovered)}.`,
    });
  }
}
