import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { errorCode } from '../util/text.ts';

/** Identifies a process, so that others can check whether it is alive. `machine`: host name, boot and PID namespace. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Start time in clock ticks since boot; empty if the system does not tell. */
  readonly began: string;
  readonly machine: string;
}

/** An owner that cannot be checked counts as gone after so long without a heartbeat. */
const heartbeatLimitMs = 60_000;

export async function ownIdentity(): Promise<ProcessIdentity> {
  return { pid: process.pid, began: await startTimeOf(process.pid), machine: await machine() };
}

/**
 * Whether the process that owns a run is alive. Within the same boot and PID namespace the system is asked; for any other
 * owner its last heartbeat decides. One from the future is from before the clock was set back: a living owner has written
 * another one since.
 */
export async function isAlive(owner: ProcessIdentity, heartbeatAt: string, now: Date): Promise<boolean> {
  if (owner.machine !== (await machine())) return Math.abs(now.getTime() - Date.parse(heartbeatAt)) < heartbeatLimitMs;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    // It belongs to another user.
    return errorCode(error) === 'EPERM';
  }
  const began = await startTimeOf(owner.pid);
  return began !== 'ended' && (began === owner.began || began === '' || owner.began === '');
}

async function machine(): Promise<string> {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  const numbers = await readlink('/proc/self/ns/pid').catch(() => '');
  return [hostname(), boot.trim(), numbers].join(' ').trim();
}

/** The 22nd field of /proc/<pid>/stat, counted after the name, which may contain anything. A zombie counts as ended. */
async function startTimeOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? 'ended' : (fields[19] ?? '');
}
