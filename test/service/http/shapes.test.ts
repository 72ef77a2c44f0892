import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import * as shapes from '../../../src/service/http/answers.ts';
import { openApi, routes } from '../../../src/service/http/routes.ts';
import { runShape } from '../../../src/service/store/run-shapes.ts';
import {
  sampleAlert,
  sampleBackups,
  sampleFinding,
  sampleInstance,
  sampleRound,
  sampleRun,
  sampleView,
} from '../sample-view.ts';

describe('the shapes of the answers', () => {
  it.each([
    ['an instance', shapes.instance, sampleInstance()],
    ['a finding', shapes.tracked, sampleFinding()],
    ['a round', shapes.round, sampleRound()],
    ['an alert', shapes.alert, sampleAlert()],
    ['the view', shapes.view, sampleView()],
    ['a run', runShape, sampleRun()],
    ['the backups of an instance', shapes.backups, sampleBackups()],
  ] as const)('describe every key of %s, and fit what the service knows', (_, shape, answer) => {
    const { properties = {}, required = [] } = z.toJSONSchema(shape);
    expect(Object.keys(properties).toSorted()).toEqual(Object.keys(answer).toSorted());
    expect(required).toHaveLength(Object.keys(answer).length);
    expect(z.safeParse(shape, answer)).toMatchObject({ success: true });
  });

  it('refer only to what the document has, and say what a run, a plan and a finding are', () => {
    const document = openApi(routes) as { components: { schemas: Record<string, { properties?: object }> } };
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]*)"/g)].map(([, ref]) => ref);
    const { schemas: known } = document.components;
    expect(new Set(refs)).toEqual(new Set(Object.keys(known).map((name) => `#/components/schemas/${name}`)));
    expect(Object.keys(known).toSorted()).toEqual(['Error', 'Finding', 'Json', 'Run']);
    expect(Object.keys(known['Run']?.properties ?? {}).toSorted()).toEqual(Object.keys(sampleRun()).toSorted());
  });
});
