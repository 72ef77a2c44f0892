#!/usr/bin/env node
if (isNewEnough(process.versions.node)) run(workingFolder());
else {
  const [, script = '', ...words] = process.argv;
  // An import at the top would be loaded before the version is checked.
  void import('./newer-node.ts').then(async ({ runWithNewerNode }) => {
    const exitCode = await runWithNewerNode([script, ...words], isNewEnough);
    if (exitCode === undefined)
      process.stderr.write(
        `problems: needs Node 22.13 or newer, this is ${process.versions.node}: npm install -D node@24, nvm install 24, or nodejs.org\n`,
      );
    process.exitCode = exitCode ?? 2;
  });
}

function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 13);
}

function run(cwd: string | undefined): void {
  if (cwd === undefined) {
    process.stderr.write('problems: the working folder no longer exists: change to one that does\n');
    process.exitCode = 2;
    return;
  }
  process.getBuiltinModule('node:module').enableCompileCache();
  const { argv, env } = process;
  const params = {
    argv: argv.slice(2),
    cwd,
    env,
    streams: process,
    now: () => new Date(),
    ...builtProgram(),
  };
  void import('./main.ts').then(async ({ main }) => {
    process.exitCode = await main(params);
  });
}

/** Undefined if the folder has been removed, which the shell does not notice. */
function workingFolder(): string | undefined {
  try {
    return process.cwd();
  } catch {
    return undefined;
  }
}

/** A build writes every file, so this one identifies it. Sources change one by one, and nothing identifies their state. */
function builtProgram(): { readonly program?: string } {
  const file = import.meta.filename;
  if (!file.endsWith('.js')) return {};
  const { ino, size, mtimeMs, ctimeMs } = process.getBuiltinModule('node:fs').lstatSync(file);
  return { program: [file, ino, size, mtimeMs, ctimeMs].join() };
}
