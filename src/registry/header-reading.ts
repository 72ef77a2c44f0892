import { nearest } from '../nearest.ts';
import type { Draft, RecordContext } from './draft.ts';
import type { HeaderType, KindDeclaration, Slot } from './kinds/declaration.ts';
import { readLabels } from './labels.ts';
import { propertyName } from './names.ts';
import { quote } from './report.ts';
import type { Shape } from './sections.ts';
import type { Value } from './text.ts';
import { dayOf } from './values/date.ts';
import { readHeaderValue } from './values/header-value.ts';

/** Reads the `**Label:** value` lines under the title. */
export function readHeader(shape: Shape, kind: KindDeclaration, draft: Draft, context: RecordContext): void {
  const { text, report } = context;
  const slots = slotsOf(kind);
  const seen = new Map<string, Value>();
  for (const { label, value } of readLabels(text, shape.header)) {
    if (label === undefined) {
      if (kind.freeHeadings !== true) report.add('text-stray', value);
      draft.keep('text', value.text);
      continue;
    }
    const name = text.slice(label.start, label.end);
    const property = propertyName(name);
    const slot = slots.get(property);
    if (slot === undefined) {
      const meant = nearest(name, Object.keys(kind.header));
      report.add('label-unknown', label, {
        message: `${quote(name)} is not a header label of ${kind.name} records; it is kept as extra.`,
        hint: meant === undefined ? `The labels are ${Object.keys(kind.header).join(', ')}.` : `Did you mean ${meant}?`,
      });
      draft.keep(name, value.text);
    } else if (seen.has(property)) {
      report.add('label-repeated', label, { message: `${quote(name)} stands twice; the first value counts.` });
      draft.keep(name, value.text);
    } else {
      seen.set(property, value);
      // A wrong value has a place too: an edit must find where to put the right one.
      draft.place(property, value);
      const read = readHeaderValue(value, slot.value, report);
      if (read !== undefined) draft.values[property] = read;
    }
  }
  reportMissing(shape, kind, seen, context);
  checkOrder(draft, seen, context);
}

const slotsByKind = new WeakMap<KindDeclaration, ReadonlyMap<string, Slot<HeaderType>>>();

function slotsOf(kind: KindDeclaration): ReadonlyMap<string, Slot<HeaderType>> {
  let slots = slotsByKind.get(kind);
  if (slots === undefined) {
    slots = new Map(Object.entries(kind.header).map(([label, slot]) => [propertyName(label), slot]));
    slotsByKind.set(kind, slots);
  }
  return slots;
}

function reportMissing(
  shape: Shape,
  kind: KindDeclaration,
  seen: ReadonlyMap<string, Value>,
  { report }: RecordContext,
): void {
  const missing = Object.keys(kind.header).filter(
    (label) => kind.header[label]?.required === true && isEmpty(seen.get(propertyName(label))),
  );
  if (missing.length === 0 || shape.title === undefined) return;
  report.add('label-missing', shape.title, {
    message: `This record has no ${missing.join(', ')}.`,
    hint: `Add ${missing.map((label) => `**${label}:**`).join(', ')} under the title.`,
  });
}

function isEmpty(value: Value | undefined): boolean {
  return value === undefined || value.text === '';
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
