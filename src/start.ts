// The server from its modules, as the tests and the profiles of the benchmark run it; main.ts runs the bundle of them.
import { run } from './server.js';

run();
