import type { Span } from '../position.ts';
import { readAnyYaml } from './any-yaml.ts';
import { readPlainYaml } from './plain-yaml.ts';
import type { YamlReading } from './yaml.ts';
import { limits } from './yaml-limits.ts';

/**
 * Reads a yaml block as a mapping with places. Undefined where it is empty; a fault where it is no plain mapping. Never
 * throws. Two front ends, as for outlines: one for the form that registries have, and js-yaml for everything else.
 */
export function readYaml(text: string, content: Span): YamlReading {
  if (content.end - content.start > limits.characters) {
    const message = `This yaml block is larger than ${limits.characters} characters.`;
    return { type: 'fault', fault: { code: 'too-complex', span: content, message } };
  }
  const value = readPlainYaml(text, content);
  return value === undefined ? readAnyYaml(text, content) : { type: 'mapping', value };
}
