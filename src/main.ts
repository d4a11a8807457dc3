import { loadBundle } from './bundle-loader.js';

loadBundle().bundle.run();
