// `npm run test:faults [-- --short | --seeds 1,2 --messages 10000 --faults 50]`; the last line is `N passed, M failed`.
import { runSuiteOrExit } from './suite.mjs';

await runSuiteOrExit('test/faults/main.ts');
