import { registerHooks } from 'node:module';

/** Loaded before a program, it writes the URL of every module that the program loads to stderr. */
registerHooks({
  load(url, context, nextLoad) {
    process.stderr.write(`loaded ${url}\n`);
    return nextLoad(url, context);
  },
});
