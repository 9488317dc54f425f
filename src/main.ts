import './config/node.version.js';

// A dynamic import: an old Node may fail to parse the modules of the gateway before the version check runs.
await import('./start.js');
