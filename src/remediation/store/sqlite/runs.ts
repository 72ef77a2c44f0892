import { z } from 'zod';
import { ProblemsError } from '../../../errors.ts';
import type { Json } from '../../../util/json.ts';
import { outcomes } from '../../contract.ts';
import { decision, failure, jsonValue, plan, verification } from '../../schemas.ts';
import { processIdentity, requireLocks } from './locks.ts';
import {
  type Phase,
  type RunChange,
  type RunClaim,
  type RunJournal,
  type RunRecord,
  runPhases,
  type StepRecord,
  stepStates,
  waiting,
} from '../store.ts';
import type { AuditTable } from './audit.ts';
import type { Database, Row } from './database.ts';
import type { RunSeals, Seals } from './seals.ts';

const phase = z.enum(runPhases);

const outcome = z.enum(outcomes);

const stepState = z.enum(stepStates);

type ColumnValue = string | number | null;

const begun = "phase IN ('preparing', 'running', 'verifying', 'undoing', 'cleaning')";

/** Every change of a run or step is one commit, with its entry of the audit log. */
export function runJournal(database: Database, audit: AuditTable, seals: Seals): RunJournal {
  function recordOf(row: Row): RunRecord {
    try {
      return parsed(row);
    } catch (cause) {
      throw new ProblemsError('state-damaged', `The journal entry of run ${String(row['id'])} cannot be read.`, {
        hint: 'Another version wrote it, or it was changed by hand. Inspect the state file with `sqlite3`.',
        cause,
      });
    }
  }

  function parsed(row: Row): RunRecord {
    const id = String(row['id']);
    return {
      id,
      project: String(row['project']),
      plan: plan.parse(json(row['plan'])),
      decision: decision.parse(json(row['decision'])),
      phase: phase.parse(row['phase']),
      outcome: outcome.nullable().parse(row['outcome']),
      failure: failure.nullable().parse(json(row['failure'])),
      verification: verification.nullable().parse(json(row['verification'])),
      steps: database.all('SELECT * FROM steps WHERE run = ? ORDER BY number', id).map(stepOf),
      token: number(row['token']),
      owner: processIdentity.nullable().parse(json(row['owner'])),
      heartbeatAt: text(row['heartbeat_at']),
      createdAt: String(row['created_at']),
      startedAt: text(row['started_at']),
      endedAt: text(row['ended_at']),
      approvedBy: text(row['approved_by']),
      downtimeMs: number(row['downtime_ms']),
      dossier: text(row['dossier']),
    };
  }

  function write(id: string, change: RunChange, at: string): void {
    const columns = columnsOf(change);
    const assignments = columns.map(([column]) => `${column} = ?`).join(', ');
    database.run(`UPDATE runs SET ${assignments} WHERE id = ?`, ...columns.map(([, value]) => value), id);
    audit.write({ at, run: id, event: 'run', body: Object.fromEntries(columns) });
  }

  /** Marks only a step that has begun: a step refused before changed nothing, and undoing it could overwrite other work. */
  function failBegun(id: string, index: number, error: string, at: string): void {
    const changed = database.run(
      "UPDATE steps SET state = 'failed', ended_at = ?, error = ? WHERE run = ? AND number = ? AND state = 'applying'",
      at,
      error,
      id,
      index,
    );
    if (changed > 0) audit.write({ at, run: id, event: 'step', body: { index, state: 'failed', error } });
  }

  function changeFrom(id: string, phases: readonly Phase[], change: RunChange, at: string): boolean {
    if (!isIn(id, phases)) return false;
    write(id, change, at);
    return true;
  }

  function isIn(id: string, phases: readonly Phase[]): boolean {
    const now = phase.safeParse(database.one('SELECT phase FROM runs WHERE id = ?', id)?.['phase']);
    return now.success && phases.includes(now.data);
  }

  /** One transaction, which signs the run again; not if the run that it finds is not signed. */
  async function writingSigned<Result>(id: string, work: (sealed: RunSeals) => Result): Promise<Result> {
    const sealed = await seals.open();
    return database.writing(() => {
      sealed.requireRun(id);
      const result = work(sealed);
      sealed.sealRun(id);
      return result;
    });
  }

  /** The same, if the claim is not stale. */
  async function writing<Result>({ id, token }: RunClaim, work: (sealed: RunSeals) => Result): Promise<Result> {
    return writingSigned(id, (sealed) => {
      requireLocks(database, sealed.held, id, token);
      return work(sealed);
    });
  }

  return {
    async create(run) {
      const { steps, cleanup } = run.plan;
      const sealed = await seals.open();
      database.writing(() => {
        database.run(
          'INSERT INTO runs (id, project, remediator, instance, plan, decision, phase, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
          run.id,
          run.project,
          run.plan.remediator,
          run.plan.target.instance,
          JSON.stringify(run.plan),
          JSON.stringify(run.decision),
          run.phase,
          run.at,
        );
        for (const [index, step] of [...steps, ...cleanup].entries()) {
          const part = index < steps.length ? 'steps' : 'cleanup';
          database.run(
            "INSERT INTO steps (run, number, part, action, state) VALUES (?, ?, ?, ?, 'pending')",
            run.id,
            index,
            part,
            step.action,
          );
        }
        const body = {
          remediator: run.plan.remediator,
          finding: run.plan.finding.id,
          summary: run.plan.summary,
          automation: run.decision.automation,
        };
        audit.write({ at: run.at, run: run.id, event: 'planned', body });
        sealed.sealRun(run.id);
      });
    },

    async changeWaiting(id, change, at) {
      return isIn(id, waiting) && writingSigned(id, () => changeFrom(id, waiting, change, at));
    },

    async change(claim, change, at) {
      await writing(claim, () => write(claim.id, change, at));
    },

    async changeFrom(claim, phases, change, at) {
      return writing(claim, () => changeFrom(claim.id, phases, change, at));
    },

    async goBack(claim, reason, at, failedStep) {
      await writing(claim, () => {
        if (failedStep !== undefined) failBegun(claim.id, failedStep, reason.message, at);
        write(claim.id, { phase: 'undoing', failure: reason }, at);
      });
    },

    async step(claim, index, state, at, error) {
      await writing(claim, () => {
        const began = state === 'applying' || state === 'undoing';
        database.run(
          began
            ? 'UPDATE steps SET state = ?, started_at = ?, ended_at = NULL, error = ? WHERE run = ? AND number = ?'
            : 'UPDATE steps SET state = ?, ended_at = ?, error = ? WHERE run = ? AND number = ?',
          state,
          at,
          error ?? null,
          claim.id,
          index,
        );
        const body = { index, state, ...(error === undefined ? {} : { error }) };
        audit.write({ at, run: claim.id, event: 'step', body });
      });
    },

    async keep(claim, index, before) {
      const kept = JSON.stringify(before);
      await writing(claim, (sealed) => {
        database.run(
          'INSERT INTO secrets VALUES (?, ?, ?) ON CONFLICT (run, number) DO UPDATE SET before = excluded.before',
          claim.id,
          index,
          kept,
        );
        sealed.sealUndo(claim.id, index, kept);
      });
    },

    async kept(id, index): Promise<Json | undefined> {
      const sealed = await seals.open();
      return database.reading(() => {
        const row = database.one('SELECT before FROM secrets WHERE run = ? AND number = ?', id, index);
        if (row === undefined) return undefined;
        sealed.requireUndo(id, index, String(row['before']));
        return jsonValue.parse(json(row['before']));
      });
    },

    async trusted(id) {
      const sealed = await seals.open();
      return database.reading(() => {
        const row = database.one('SELECT * FROM runs WHERE id = ?', id);
        if (row === undefined) return undefined;
        sealed.requireRun(id);
        return recordOf(row);
      });
    },

    async isSigned(id) {
      const sealed = await seals.open();
      return database.reading(() => sealed.areWhole(id));
    },

    async sign(id, at) {
      const sealed = await seals.open();
      return database.writing(() => {
        if (database.one('SELECT id FROM runs WHERE id = ?', id) === undefined) return false;
        sealed.sealAll(id);
        audit.write({ at, run: id, event: 'signed', body: {} });
        return true;
      });
    },

    async get(id) {
      const row = database.one('SELECT * FROM runs WHERE id = ?', id);
      return row === undefined ? undefined : recordOf(row);
    },

    async list(filter = {}) {
      const conditions = [
        ...(filter.open === true ? [begun] : []),
        ...(filter.project === undefined ? [] : ["project IN (?, '')"]),
        ...(filter.instance === undefined ? [] : ['instance = ?']),
      ];
      const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
      const values = [filter.project, filter.instance, filter.limit ?? 100].filter((value) => value !== undefined);
      return database
        .all(`SELECT * FROM runs ${where} ORDER BY created_at DESC, id DESC LIMIT ?`, ...values)
        .map(recordOf);
    },

    async pending(project) {
      return database
        .all(
          // SQLite would rather read all runs in the order of the answer.
          `SELECT * FROM runs AS run INDEXED BY runs_pending
           WHERE (phase NOT IN ('planned', 'ended') OR outcome = 'stuck') AND project IN (?1, '')
             AND (${begun} OR NOT EXISTS (
               SELECT 1 FROM runs AS later
               WHERE (later.created_at, later.id) > (run.created_at, run.id) AND later.project IN (?1, '')
                 AND later.plan ->> '$.finding.id' = run.plan ->> '$.finding.id'))
           ORDER BY created_at DESC, id DESC`,
          project,
        )
        .map(recordOf);
    },

    async attempts(filter) {
      return database
        .all(
          'SELECT * FROM runs WHERE started_at >= ?1 AND (?2 IS NULL OR remediator = ?2) AND (?3 IS NULL OR instance = ?3) ORDER BY started_at DESC',
          filter.since,
          filter.remediator ?? null,
          filter.instance ?? null,
        )
        .map(recordOf);
    },
  };
}

function columnsOf(change: RunChange): readonly (readonly [string, ColumnValue])[] {
  const columns: readonly (readonly [string, ColumnValue | undefined])[] = [
    ['phase', change.phase],
    ['outcome', change.outcome],
    [
      'failure',
      change.failure === undefined ? undefined : change.failure === null ? null : JSON.stringify(change.failure),
    ],
    ['verification', change.verification === undefined ? undefined : JSON.stringify(change.verification)],
    ['approved_by', change.approvedBy],
    ['downtime_ms', change.downtimeMs],
    ['dossier', change.dossier],
    ['started_at', change.startedAt],
    ['ended_at', change.endedAt],
  ];
  return columns.filter((column): column is readonly [string, ColumnValue] => column[1] !== undefined);
}

function stepOf(row: Row): StepRecord {
  return {
    index: Number(row['number']),
    part: row['part'] === 'cleanup' ? 'cleanup' : 'steps',
    action: String(row['action']),
    state: stepState.parse(row['state']),
    startedAt: text(row['started_at']),
    endedAt: text(row['ended_at']),
    error: text(row['error']),
  };
}

function json(value: Row[string] | undefined): unknown {
  return typeof value === 'string' ? JSON.parse(value) : null;
}

function text(value: Row[string] | undefined): string | null {
  return typeof value === 'string' ? value : null;
}

function number(value: Row[string] | undefined): number | null {
  return typeof value === 'number' ? value : null;
}
