import { describe, expect, it } from 'vitest';
import { prometheusRules } from '../../src/service/alerts/prometheus-rules.ts';
import { run } from './run.ts';

describe('problems serve --rules', () => {
  it('prints the rules for Prometheus and ends, without an engine', async () => {
    expect(await run(['serve', '--rules'])).toMatchObject({ code: 0, stdout: prometheusRules(), stderr: '' });
  });
});
