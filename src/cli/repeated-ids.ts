import { type Diagnostic, diagnosticCatalogue } from '../registry/diagnostics.ts';
import type { ProblemRecord } from '../registry/record.ts';
import type { Registry } from '../registry/registry.ts';

/** Records of different registries that have the same id: each but the first is reported where its id or title stands. */
export function repeatedIds(registries: readonly Registry[]): readonly Diagnostic[] {
  const first = new Map<string, ProblemRecord>();
  const diagnostics: Diagnostic[] = [];
  for (const record of registries.flatMap(({ records }) => records)) {
    const other = first.get(record.id);
    if (other === undefined) first.set(record.id, record);
    else if (other.path !== record.path) diagnostics.push(repeated(record, other));
  }
  return diagnostics;
}

function repeated({ id, path, place, places }: ProblemRecord, other: ProblemRecord): Diagnostic {
  const { severity, hint } = diagnosticCatalogue['id-repeated'];
  return {
    code: 'id-repeated',
    severity,
    message: `The id "${id}" already stands in ${other.path}, line ${other.place.line}.`,
    hint,
    path,
    place: places['id'] ?? places['title'] ?? place,
  };
}
