import { launch } from '../../infra/local/launch.ts';

// Started by launch.test.ts: launches a sleeper, says its pid, and waits to be killed.
const sleeper = await launch({ command: ['sleep', '600'], log: '/dev/null' });
process.stdout.write(`${sleeper.pid}\n`);
await sleeper.exited;
