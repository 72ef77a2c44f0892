import type { DiagnosticCode } from '../diagnostics.ts';
import type { Span } from '../position.ts';

/** A yaml value with its place. Only what registries use: no anchors, aliases, tags or merge keys. */
export type YamlValue = YamlScalar | YamlSequence | YamlMapping;

/** Its place is that of the whole notation, quotes included; one that is absent has an empty place behind the colon. */
export interface YamlScalar extends Span {
  readonly type: 'scalar';
  readonly text: string;
  /** Written without quotes, so that `8` is a number and `null` or nothing is no value. */
  readonly plain: boolean;
}

/** The place of a collection in brackets includes both. */
export interface YamlSequence extends Span {
  readonly type: 'sequence';
  /** Written in brackets. */
  readonly flow: boolean;
  readonly items: readonly YamlValue[];
}

export interface YamlMapping extends Span {
  readonly type: 'mapping';
  readonly entries: readonly YamlEntry[];
}

export interface YamlEntry {
  readonly key: YamlScalar;
  readonly value: YamlValue;
}

export interface YamlFault {
  readonly code: DiagnosticCode;
  readonly span: Span;
  readonly message: string;
}

export type YamlReading =
  | { readonly type: 'mapping'; readonly value: YamlMapping | undefined }
  | { readonly type: 'fault'; readonly fault: YamlFault };
