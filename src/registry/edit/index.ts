export { addRecord } from './add.ts';
export { applyEdits } from './edits.ts';
export { addErrorMessage, yamlText } from './section.ts';
export { newRecord, type NewRecordOptions, type NewValue } from './new-record.ts';
export { setHeader } from './header.ts';
export { moveRecord } from './resolve.ts';
export { resolveRecord, type Resolution } from './resolve.ts';
export { addItem, setEstimate, setField, setList, setProse } from './section.ts';
