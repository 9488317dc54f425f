// With nothing else on the machine, held to the contract's five seconds.
import '../catalog/watcher.test.ts';
