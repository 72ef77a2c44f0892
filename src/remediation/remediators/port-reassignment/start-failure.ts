/** Why the engine could not publish a port, from `State.Error`. Wordings differ between engines and are matched loosely. */
export interface StartFailure {
  readonly reason:
    | 'allocated' // the engine's own books say that a container has it
    | 'in-use' // the system refused to listen: a container or any other program
    | 'address-missing'; // HostIp is not an address of this machine: no conflict at all
  /** Undefined where the text names none. */
  readonly port: number | undefined;
  readonly hostIp: string;
}

/**
 * Undefined for every other failure, such as a static address of the container that is taken (`Address already in
 * use` without a word about ports).
 */
export function startFailure(error: string): StartFailure | undefined {
  const reason = reasonOf(error);
  if (reason === undefined) return undefined;
  const match =
    /(?:\bfor|\btcp[46]?|\budp[46]?|\bport)\s+(\[[0-9a-f:.]*\]|\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f:]*::[0-9a-f:]*?)?:?(\d{1,5})(?=[\s:/]|$)/i.exec(
      error,
    );
  const port = Number(match?.[2]);
  return {
    reason,
    port: Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined,
    hostIp: (match?.[1] ?? '').replace(/^\[(.*)\]$/, '$1'),
  };
}

function reasonOf(error: string): StartFailure['reason'] | undefined {
  if (/cannot assign requested address/i.test(error)) return 'address-missing';
  if (/port is already allocated/i.test(error)) return 'allocated';
  if (/address already in use/i.test(error) && /\blisten\b|\bbind\b|host port/i.test(error)) return 'in-use';
  return undefined;
}
