import { join } from 'node:path';
import { brokenFiles } from './broken-files.ts';

const fileOf: Readonly<Record<string, string>> = { archive: 'a.conf', billing: 'b.conf', orders: 'c.conf' };

/** The same problem of three instances, each with its own file. `atPlan` is called before each is planned. */
export function ofThree(atPlan: (instance: string) => void): typeof brokenFiles {
  return {
    ...brokenFiles,
    async detect(host) {
      const { findings, notLookedAt } = await brokenFiles.detect(host);
      const wrong = findings.flatMap(({ evidence }) => evidence.map((one) => (one.type === 'file' ? one.path : '')));
      const [first] = findings;
      if (first === undefined) return { findings, notLookedAt };
      const instances = Object.keys(fileOf).filter((instance) => wrong.includes(fileOf[instance] ?? ''));
      return {
        notLookedAt,
        findings: instances.map((instance) => ({ ...first, id: `broken-files/${instance}/wrong-text`, instance })),
      };
    },
    async plan(finding, host) {
      atPlan(finding.instance);
      const made = await brokenFiles.plan(finding, host);
      if (made.type === 'refusal') return made;
      const path = JSON.stringify(join(finding.details.folder, fileOf[finding.instance] ?? ''));
      const steps = made.steps.filter(({ params }) => JSON.stringify(params).includes(path));
      return { ...made, steps, target: { ...made.target, instance: finding.instance } };
    },
    verify: async () => ({ result: 'verified', checks: [] }),
  };
}
