import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { errorCode } from '../util/text.ts';

/** A process, as another process can look whether it is alive. `machine`: its boot and its process numbers. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot; empty where the system does not say. */
  readonly began: string;
  readonly machine: string;
}

/** Longer without a heartbeat, and an owner who cannot be looked at is taken for gone. */
const heartbeatLimitMs = 60_000;

export async function ownIdentity(): Promise<ProcessIdentity> {
  return { pid: process.pid, began: await beganOf(process.pid), machine: await machine() };
}

/**
 * Whether the process that owns a run is alive. Among the same boot and the same process numbers the system itself is
 * asked; for any other owner its heartbeat speaks.
 */
export async function isAlive(owner: ProcessIdentity, heartbeatAt: string, now: Date): Promise<boolean> {
  if (owner.machine !== (await machine())) return now.getTime() - Date.parse(heartbeatAt) < heartbeatLimitMs;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    // Somebody else's process is a process too.
    return errorCode(error) === 'EPERM';
  }
  const began = await beganOf(owner.pid);
  return began !== 'ended' && (began === owner.began || began === '' || owner.began === '');
}

async function machine(): Promise<string> {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  const numbers = await readlink('/proc/self/ns/pid').catch(() => '');
  return [hostname(), boot.trim(), numbers].join(' ').trim();
}

/** The 22nd field of /proc/<pid>/stat, counted after the name, which may hold anything; a zombie has ended. */
async function beganOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? 'ended' : (fields[19] ?? '');
}
