import './config/node.version.js';

// This import is dynamic, because an old Node may fail to parse the modules of the gateway before the version check has run.
void import('./start.js');
