import type { Plugin } from 'problem-registry/remediation';
import { writeNote } from './note.ts';
import { missingRestartPolicy } from './remediator.ts';

export default {
  apiVersion: 1,
  remediators: [missingRestartPolicy],
  actions: [writeNote],
} satisfies Plugin;
