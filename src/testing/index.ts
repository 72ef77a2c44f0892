/**
 * For tests of remediators and actions: the contracts that the engine relies on as plain functions that throw, and a host
 * in memory. Works with every test runner. See docs/plugins.md.
 */
export {
  type ActionPromise,
  actionPromises,
  type ActionScenario,
  actionVerdicts,
  type ActionVerdict,
  checkAction,
} from './action-contract.ts';
export { checkRemediator, type CheckedRemediator, type RemediatorScenario } from './remediator-contract.ts';
export { createTestHost, type TestHost, type TestHostOptions, type TestPart } from './test-host.ts';
export type { TestContainer, TestInstance, TestSql, TestSqlAnswer } from './test-containers.ts';
