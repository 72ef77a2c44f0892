import { spawn } from 'node:child_process';
import { Duplex } from 'node:stream';
import { systemProgram } from '../host/system-program.ts';

/** Programs that unpack standard input, for what Node.js cannot. Of the memory that a file asks for, xz takes at most this. */
const programs = {
  xz: ['xz', '-dc', '-T1', '--memlimit-decompress=512MiB'],
  bzip2: ['bzip2', '-dc'],
  lz4: ['lz4', '-dc'],
} as const;

type Packed = keyof typeof programs;

export function hasProgram(packing: string): packing is Packed {
  return Object.hasOwn(programs, packing);
}

/** The absolute path of the program for a packing on this machine; undefined if it is not installed, or not in PATH. */
export function programOf(packing: Packed): string | undefined {
  return systemProgram(programs[packing][0]);
}

/** 768 MiB of address space, in KiB. macOS has no such limit. */
const addressSpace = process.platform === 'linux' ? 'ulimit -v 786432 && ' : '';

/**
 * What the system allows a program that unpacks: no byte in a file, no core dump, few open files, and on Linux little address space. So
 * a fault in it costs no more of the machine. Without these limits it does not run.
 */
const limited = `${addressSpace}ulimit -f 0 && ulimit -c 0 && ulimit -n 32 && exec "$0" "$@"`;

const keptWords = 400;

/**
 * A stream through a program: no argument from outside, nothing of our environment, and within `limited`. It is killed when the
 * stream is destroyed. If it fails, the stream fails with what it wrote to standard error.
 */
export function unpackProgram(packing: Packed, program: string): Duplex {
  const child = spawn('/bin/sh', ['-c', limited, program, ...programs[packing].slice(1)], {
    env: { LC_ALL: 'C' },
    stdio: 'pipe',
  });
  let says = '';
  child.stderr.on('data', (chunk: Buffer) => {
    if (says.length < keptWords) says += chunk.toString('latin1');
  });
  // It may end before it has read everything: its exit code says why.
  child.stdin.on('error', () => undefined);
  const stream = new Duplex({
    write(chunk, _encoding, done) {
      child.stdin.write(chunk, () => done());
    },
    final(done) {
      child.stdin.end(() => done());
    },
    read() {
      child.stdout.resume();
    },
    destroy(error, done) {
      child.kill('SIGKILL');
      done(error);
    },
  });
  child.stdout.on('data', (chunk: Buffer) => {
    if (!stream.push(chunk)) child.stdout.pause();
  });
  child.on('error', (error) => stream.destroy(error));
  // After the last of its output.
  child.on('close', (code) => {
    if (code === 0) stream.push(null);
    else stream.destroy(new Error(says.trim().slice(0, keptWords) || `${packing} ended with ${code ?? 'a signal'}`));
  });
  return stream;
}
