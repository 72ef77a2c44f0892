export { addRecord } from './add.ts';
export { applyEdits } from './edits.ts';
export { addErrorMessage, yamlText } from './evidence.ts';
export { setHeader } from './header.ts';
export { moveRecord } from './move.ts';
export { resolveRecord, type Resolution } from './resolve.ts';
export { addItem, setEstimate, setField } from './section.ts';
