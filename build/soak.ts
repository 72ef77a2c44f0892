import { configureGlobal } from 'fast-check';

/** Runs of each property in `npm run test:soak`; a slow property says `runsOf` in test/soak.ts instead. */
configureGlobal({ numRuns: Number(process.env['SOAK_RUNS'] ?? 5000) });
