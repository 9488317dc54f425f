import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { gatewayFlags, thriftyMemory } from '../../infra/local/memory.settings.ts';

it('the image runs the gateway as the local stack does', async () => {
  const text = await readFile(join(import.meta.dirname, '../../infra/gateway/Dockerfile'), 'utf8');
  const command = /^CMD (\["node".*\])$/m.exec(text)?.[1] ?? '';
  expect(JSON.parse(command)).toEqual(['node', ...gatewayFlags, 'dist/main.js']);
  const settings = Object.entries(thriftyMemory).map(([name, value]) => `${name}=${value}`);
  expect(/^ENV (MALLOC.*)$/m.exec(text)?.[1]?.split(' ')).toEqual(settings);
});
