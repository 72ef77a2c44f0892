/** Streams the registries of a folder, keeps none, and prints the most memory that took, in kilobytes. */
import { scan } from '../src/scan/scan.ts';

let records = 0;
for await (const registry of scan([process.argv[2] ?? '.'])) records += registry.records.length;
if (records === 0) throw new Error('The folder holds no records.');
console.log(process.resourceUsage().maxRSS);
