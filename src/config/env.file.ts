import { existsSync } from 'node:fs';
import { loadEnvFile } from 'node:process';

// `node --import ./dist/config/env.file.js …` reads `.env` where there is one; `--env-file-if-exists` prints a line where there is none.
if (existsSync('.env')) loadEnvFile('.env');
