import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';

/** What systemd is told: sd_notify(3). */
export type Notice = 'READY=1' | 'STOPPING=1' | 'WATCHDOG=1';

export interface ServiceManager {
  /** Undefined: no watchdog is configured. */
  readonly watchdogMs: number | undefined;
  readonly tell: (notice: Notice) => Promise<void>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Only from here: a program in the folder of a project is never run. */
const programs: readonly string[] = ['/usr/bin/systemd-notify', '/bin/systemd-notify'];

const patienceMs = 5_000;

/**
 * Tells systemd how the service is, if systemd started it with `Type=notify`. Node cannot send to a datagram socket of Unix, so
 * systemd's own program does; the unit needs `NotifyAccess=all`, since it is another process. Undefined: nothing is to be told.
 * @param found Whether a program is there; for tests.
 */
export function serviceManager(environment: Environment, found = existsSync): ServiceManager | undefined {
  const socket = environment['NOTIFY_SOCKET'];
  const program = programs.find((one) => found(one));
  if (socket === undefined || socket === '' || program === undefined) return undefined;
  const wanted = environment['WATCHDOG_PID'];
  const microseconds = Number(environment['WATCHDOG_USEC'] ?? 0);
  const isAsked = microseconds > 0 && (wanted === undefined || wanted === String(process.pid));
  return {
    watchdogMs: isAsked ? microseconds / 1_000 : undefined,
    tell: (notice) =>
      new Promise((resolve) => {
        const child = spawn(program, [`--pid=${process.pid}`, notice], {
          env: { NOTIFY_SOCKET: socket },
          stdio: 'ignore',
          timeout: patienceMs,
        });
        child.on('error', () => resolve());
        child.on('exit', () => resolve());
      }),
  };
}
