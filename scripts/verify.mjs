// `npm run verify -- <url of /graphql> --token <token>`: the delivery report of an installation.
import { setUpOrExit } from './setup.mjs';

await setUpOrExit();
await import('../dist/verify/main.js');
