import { afterAll, beforeAll } from 'vitest';
import { registerPadding } from '../authz/padding.scenarios.ts';
import { startWorld, type World } from '../support/world.ts';
import { registerAccessToken } from './access.token.scenarios.ts';
import { registerForgedTokens } from './forged.tokens.scenarios.ts';
import { registerLogin } from './login.scenarios.ts';
import { registerRefresh } from './refresh.scenarios.ts';
import { registerSignInAudit } from './sign-in.audit.scenarios.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.stop());

// The first scenario reads the audit of all sign-ins. The last one counts all studies of the archive.
registerSignInAudit(() => world);
registerAccessToken(() => world);
registerForgedTokens(() => world);
registerRefresh(() => world);
registerLogin(() => world);
registerPadding(() => world);
