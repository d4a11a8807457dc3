// The server from its modules, whose names a profile of the benchmark shows; main.ts runs the bundle of them.
import { run } from './server.js';

run();
