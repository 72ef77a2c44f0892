export { actions } from '../remediation/actions/index.ts';
export { asideName, findingId } from '../remediation/contract.ts';
export type * from '../remediation/contract.ts';
export { inline as markdownLine } from '../remediation/engine/escalation-report.ts';
export { detect, type Detected, type DetectOptions, plan } from './detect.ts';
export { type InterruptedRun, type LiveRun, liveRuns } from './open-runs.ts';
export type { DetectResult } from '../remediation/engine/detect.ts';
export type { PolicySettings, Proposal } from '../remediation/engine/plan.ts';
export type { EngineContext } from '../remediation/engine/session.ts';
export type { Schema, SchemaIssue, SchemaResult } from '../remediation/standard-schema.ts';
export type { CallOptions, RemediationEvent } from '../remediation/events.ts';
export { approve, type ApproveOptions } from './approve.ts';
export { review, submit, type SubmitOptions } from './submit.ts';
export { type Consent } from './run-plan.ts';
export { type RunReport } from '../remediation/run-report.ts';
export { remediate, type Remediated, type RemediateRequest, resume, rollback } from './remediate.ts';
export {
  backupVerdicts,
  expireBackups,
  type JudgedBackups,
  listBackups,
  putBackBackup,
  type PutBackRequest,
  restoreBackup,
  type RestoreBackupRequest,
  retainedBackups,
  type Retained,
  takeBackup,
  type TakeBackupRequest,
  verifyBackup,
  type VerifyRequest,
} from './backups.ts';
export { planRestore, type RestoreRequest } from '../remediation/remediators/backup-repair/index.ts';
export { type BackupRequest, planBackup, planExpiry, planPutBack } from '../remediation/requests/backups.ts';
export { type MoveRequest, moveToNamedVolume, reviewMoves } from './moves.ts';
export { leasePort, listPorts, type LeaseRequest, type PortSituation } from './ports.ts';
export { preflight, type PreflightAnswer, type PreflightQuestion } from './preflight.ts';
export { fleet, type Fleet, type Forgotten, forgetInstance, type FleetFinding, type FleetInstance } from './fleet.ts';
export {
  type FleetRecommendation,
  type LimitRecommendation,
  recommendLimits,
  sampledDays,
} from './recommend-limits.ts';
export type { CalibrationBin, ForecastRecord } from '../learning/forecast-record.ts';
export type { Batch, Pair, Rate } from '../learning/types.ts';
export { type BatchQuestion, forecast, type Forecasts, type LimitForecast } from './forecast.ts';
export type { Reach } from '../learning/trend.ts';
export {
  type HandlerStats,
  type RateChange,
  type Remembered,
  remembered,
  type Spread,
  type Stats,
  statsOf,
} from './stats.ts';
export { type InstanceMigration, migrateInstances, type MigrateRequest, readMigrations } from './migrate.ts';
export type { MigrateProgress, MigrationProblem, MigrationReport, TemplateReport } from '../migration/index.ts';
export {
  bindCall,
  openRemediation,
  type Remediation,
  type RemediationCall,
  type RemediationOptions,
} from './open-remediation.ts';
export { operations, type Operation } from '../remediation/operations.ts';
export { remediators } from '../remediation/remediators/index.ts';
export { acceptAuditLog, acceptState, changedState, isRunSigned, runs, signRun, verifyAuditLog } from './journal.ts';
export { tune, type TunedSetting, type Tuning, type TuningRequest } from './tune.ts';
export type { CheckedInstance } from '../remediation/engine/check-round.ts';
export type { KnownProblem } from '../remediation/engine/record-for.ts';
export type * from '../remediation/store/store.ts';
export { definePlugin, type Plugin } from './plugins.ts';
export type { RemediationConfig } from '../remediation/config.ts';
export { knownProblems } from './known-problems.ts';
export {
  type DetectRound,
  fixHeldLongEnough,
  type RecordedResults,
  recordFindings,
  type RecordOptions,
  recordReports,
  wasFullyChecked,
} from './record-results.ts';
export { findSuspension, liftSuspension, requireKnownInstance, type Suspension } from './suspensions.ts';
export type { Packing } from '../backups/packing.ts';
export type * from '../backups/types.ts';
export type { InstanceVerdict } from '../backups/verdict.ts';
export type * from '../host/compose/types.ts';
export type { EngineChoice } from '../host/docker/address.ts';
export type * from '../host/docker/types.ts';
export type { HelperCapability, HelperTask, HelperTaskName } from '../host/docker/helper-tasks.ts';
export type * from '../host/instance.ts';
export type * from '../host/postgres/types.ts';
export type * from '../host/probes/types.ts';
export type * from '../host/types.ts';
export type { Migration } from '../migration/files.ts';
export type { Mode } from '../migration/classify.ts';
export type { Clone } from '../migration/runner/templates.ts';
export type { AppliedMigration } from '../migration/runner/types.ts';
export type { HostBudget } from '../postgres/tuning/memory-fit.ts';
export type { Rule } from '../postgres/settings.ts';
export type { DiskKind, Profile } from '../postgres/tuning/profiles.ts';
export type { TuningFacts } from '../postgres/tuning/recommend.ts';
export type { BackendMemory } from '../remediation/shared/memory.ts';
export type { Floor } from '../remediation/operations.ts';
export type { Redactor } from '../remediation/redact.ts';
export type { MaintenanceWindow } from '../remediation/policy/policy.ts';
export type { ContainerAdvice } from './tune.ts';
export type { PortHolder } from '../remediation/remediators/port-reassignment/observe.ts';
export type { Acknowledgement, Limits } from '../remediation/policy/circuit-breakers.ts';
export type { JsonObject } from '../util/json.ts';
