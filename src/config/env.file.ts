import { existsSync } from 'node:fs';
import { loadEnvFile } from 'node:process';

// `node --import ./dist/config/env.file.js …` reads `.env` if it exists. Node's own `--env-file-if-exists` prints a line if it does not.
if (existsSync('.env')) loadEnvFile('.env');
