// `npm start`: whatever is missing is made first; then this very process becomes the server.
import { setUpOrExit } from './setup.mjs';

await setUpOrExit();
await import('../dist/main.js');
