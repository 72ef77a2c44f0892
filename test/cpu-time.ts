/** Milliseconds of processor time that `work` takes in this process: a busy machine does not lengthen it. */
export function cpuTimeOf(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
