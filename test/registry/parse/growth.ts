/**
 * How many times longer `work` takes for eight times the text: about 8 if it is linear, 64 if it is quadratic. The
 * best of several runs each, in the CPU time of this thread, which nothing else stretches; a millisecond at least, so that
 * noise does not count as growth.
 */
export function growth(shape: string, work: (text: string) => unknown): number {
  const small = shape.repeat(Math.ceil(30_000 / shape.length));
  const large = small.repeat(8);
  for (let run = 0; run < 3; run += 1) work(small);
  return cpuTime(large, work) / cpuTime(small, work);
}

function cpuTime(text: string, work: (text: string) => unknown): number {
  const times = [1, 2, 3, 4].map(() => {
    const before = process.threadCpuUsage().user;
    work(text);
    return process.threadCpuUsage().user - before;
  });
  return Math.max(Math.min(...times), 1000);
}
