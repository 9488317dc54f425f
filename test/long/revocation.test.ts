// With nothing else on the machine, held to the contract's five seconds.
import '../authz/revocation.test.ts';
