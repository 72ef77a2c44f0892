import type { Backup } from '../backups/types.ts';
import type { RunRecord } from '../remediation/store/store.ts';
import type { Scope } from './contract.ts';
import type {
  AlertView,
  BackupProof,
  BackupsView,
  InstanceSample,
  InstanceView,
  RoundView,
  ServiceView,
  TrackedFinding,
} from './types.ts';

/**
 * The answers of the HTTP API under `/api/v1`, as the page reads them. Errors are `{error: {code, message, hint}}` with the
 * codes of `ProblemsError` and those of `HttpErrorCode`. A client that signed in with a cookie sends the header `x-problems-csrf: 1`
 * with each request that changes something. Names in paths are encoded with `encodeURIComponent`.
 */
export interface ApiAnswers {
  /** Who asks, and what they may do. */
  readonly 'GET /session': { readonly name: string; readonly scope: Scope; readonly readOnly: boolean };
  readonly 'GET /view': ServiceView;
  readonly 'GET /instances': readonly InstanceView[];
  readonly 'GET /instances/:engine/:name': {
    readonly instance: InstanceView;
    /** Since `?since=`, 7 days by default. */
    readonly samples: readonly InstanceSample[];
    readonly findings: readonly TrackedFinding[];
    readonly runs: readonly RunRecord[];
    readonly backups: BackupsView | null;
  };
  readonly 'GET /findings': readonly TrackedFinding[];
  readonly 'GET /rounds': readonly RoundView[];
  readonly 'POST /rounds': RoundView;
  readonly 'GET /plans': PlanAnswer;
  readonly 'POST /remediations': { readonly run: RunRecord | null; readonly refusal: string | null };
  readonly 'GET /runs': readonly RunRecord[];
  readonly 'GET /runs/:id': RunAnswer;
  readonly 'GET /backups': { readonly instances: readonly BackupsView[]; readonly proofs: readonly BackupProof[] };
  readonly 'GET /alerts': readonly AlertView[];
  /** As `problems scan --json`. */
  readonly 'GET /problems': unknown;
  /** As `problems explain --json`. */
  readonly 'GET /explanations/:id': unknown;
  /** As `problems tasks --json`. */
  readonly 'GET /tasks': unknown;
  /** As `problems stats --json`. */
  readonly 'GET /stats': unknown;
  /** As `problems forecast --json`. */
  readonly 'GET /forecast': unknown;
  /** As `problems fleet --json`. */
  readonly 'GET /fleet': unknown;
  /** As `problems preflight --json`, for a memory limit of `?memory=` bytes. */
  readonly 'GET /preflight': unknown;
  /** `/dossier`: the escalation report alone, as Markdown. */
  readonly 'GET /runs/:id/dossier': { readonly dossier: string };
  /** `{planDigest, despite}`. 409 `plan-changed`: another plan than the one that was shown. */
  readonly 'POST /runs/:id/approve': StartedRun;
  /** `{reason}`. */
  readonly 'POST /runs/:id/refuse': StartedRun;
  readonly 'POST /runs/:id/rollback': StartedRun;
  readonly 'POST /instances/:engine/:name/lift': { readonly lifted: { readonly reason: string } | null };
  /** `{paused, reason}`. */
  readonly 'POST /pause': { readonly paused: string | null };
  /** `{instance, engine?}`. */
  readonly 'POST /backups': StartedRun;
  /** `{backup, engine?}`, a backup as `<instance>/<backup>`. The result appears among the proofs. */
  readonly 'POST /backups/verify': { readonly backup: string };
  /** `{comment}`. */
  readonly 'POST /alerts/:fingerprint/ack': AlertView;
  /** `{until}`: RFC 3339; null ends the silence. */
  readonly 'POST /alerts/:fingerprint/silence': AlertView;
  /** `{finding, comment}`. */
  readonly 'POST /findings/ack': TrackedFinding;
  /** `{finding, until}`: RFC 3339; null ends the silence. */
  readonly 'POST /findings/silence': TrackedFinding;
  /** As `problems show --json`. */
  readonly 'GET /problems/:id': unknown;
  /** `{what, worked, evidence?}`: an attempt, as it is written back into the registry. */
  readonly 'POST /problems/:id/outcomes': { readonly written: boolean };
  readonly 'GET /service': {
    readonly jobs: ServiceView['jobs'];
    readonly deliveries: ServiceView['deliveries'];
    readonly tokens: readonly {
      readonly name: string;
      readonly scope: Scope;
      readonly createdAt: string;
      readonly lastUsedAt: string | null;
    }[];
    /** The settings of `remediation` that decide what may run, as lines of text. */
    readonly policy: readonly string[];
  };
}

/** Reasons for which the HTTP API itself refuses a request. */
export type HttpErrorCode =
  /** 401. */
  | 'not-signed-in'
  /** 403: a token of a smaller scope; a wrong Host or Origin; a cookie without the header. */
  | 'forbidden'
  /** 409: the plan is not the one that was shown. */
  | 'plan-changed'
  | 'too-large'
  | 'too-many'
  /** 500: a mistake of ours. */
  | 'internal';

/** A plan as `problems plan --json` prints it, with the digest that an approval must name. */
export interface PlanAnswer {
  readonly finding: TrackedFinding['finding'];
  readonly steps: readonly { readonly what: string; readonly undo: string | null; readonly downtime: boolean }[];
  readonly downtime: string | null;
  /** Why it may not run by itself; empty if it may. */
  readonly holds: readonly string[];
  /** Why there is no plan. */
  readonly refusal: { readonly reason: string; readonly advice: string } | null;
  /** SHA-256 of the plan in hex; null without one. */
  readonly digest: string | null;
}

/** A run that goes on after the answer: follow it with `GET /runs/:id` or the events. */
export interface StartedRun {
  readonly run: RunRecord;
}

export interface RunAnswer {
  readonly run: RunRecord;
  readonly digest: string;
  readonly steps: PlanAnswer['steps'];
  /** The phases and steps so far, oldest first. */
  readonly timeline: readonly {
    readonly at: string;
    readonly what: string;
    readonly seconds: number | null;
    readonly state: 'done' | 'running' | 'failed' | 'undone';
  }[];
  /** Which acknowledgements an approval needs. */
  readonly despite: readonly string[];
  readonly verification: readonly { readonly what: string; readonly passed: boolean }[];
  readonly dossier: string | null;
  readonly backups: readonly Backup[];
}
