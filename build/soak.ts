import { configureGlobal } from 'fast-check';

/** Runs of each property in `npm run test:soak`, for properties that state no number of their own. */
configureGlobal({ numRuns: Number(process.env['SOAK_RUNS'] ?? 5000) });
