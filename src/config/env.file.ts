import { existsSync } from 'node:fs';
import { loadEnvFile } from 'node:process';

// `node --import ./dist/config/env.file.js …` reads `.env` if the file exists. Node's own option `--env-file-if-exists` prints a line if
// the file does not exist.
if (existsSync('.env')) loadEnvFile('.env');
