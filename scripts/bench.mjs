// `npm run bench [-- --smoke | --rivals | --only w1,w3 | --profile w2 | …]`: parley beside its limits and rivals. See
// docs/performance.md; the last line is `N passed, M failed`.
import { runSuiteOrExit } from './suite.mjs';

await runSuiteOrExit('test/bench/main.ts');
