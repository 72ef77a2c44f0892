import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import * as shapes from '../../../src/service/http/answers.ts';
import { openApi, routes } from '../../../src/service/http/routes.ts';
import { sampleAlert, sampleFinding, sampleInstance, sampleRound, sampleView } from '../sample-view.ts';

describe('the shapes of the answers', () => {
  it.each([
    ['an instance', shapes.instance, sampleInstance()],
    ['a finding', shapes.tracked, sampleFinding()],
    ['a round', shapes.round, sampleRound()],
    ['an alert', shapes.alert, sampleAlert()],
    ['the view', shapes.view, sampleView()],
  ] as const)('describe every key of %s, and fit what the service knows', (_, shape, answer) => {
    const { properties = {}, required = [] } = z.toJSONSchema(shape);
    expect(Object.keys(properties).toSorted()).toEqual(Object.keys(answer).toSorted());
    expect(required).toHaveLength(Object.keys(answer).length);
    expect(z.safeParse(shape, answer)).toMatchObject({ success: true });
  });

  it('refer to nothing outside themselves', () => {
    const text = JSON.stringify(openApi(routes));
    const refs = [...text.matchAll(/"\$ref":"([^"]*)"/g)].map(([, ref]) => ref);
    expect([...new Set(refs)]).toEqual(['#/components/schemas/Error']);
  });
});
