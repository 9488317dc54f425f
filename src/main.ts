import './config/node.version.js';

// Not a static import: the modules of the gateway may not even be readable for a Node that is too old.
await import('./start.js');
