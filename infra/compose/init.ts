import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, readFile, writeFile } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs, promisify } from 'node:util';

const execute = promisify(execFile);
const nginxUser = 101;
const HELP = `npm run init   writes .env for docker compose, with new secrets. It asks three questions.

  --url URL            the URL that people use, such as https://images.example.org
  --tls-dir FOLDER     the folder with tls.crt and tls.key; "self-signed" makes a certificate in tls/ for a trial
  --admin NAME         the user name of the first administrator
  --secret-files       writes the secrets into files of secrets/ instead of .env (docker-compose.secrets.yml)
  --folder FOLDER      where .env is written (default: this folder)
  --help

It never overwrites .env. Keep a copy of the secrets in another place: without MASTER_KEY a backup is not complete.
`;

export type Answers = { url: string; tlsDir: string; admin: string; secretFiles: boolean; folder: string };

const password = () => randomBytes(24).toString('hex');

/**
 * Writes `.env` into `folder` from the lines of .env.example, with new secrets, and the certificate if none exists. Throws if `.env`
 * exists, if the URL is not https, or if the certificate is missing. Returns the names of the files that it wrote.
 */
export async function writeSettings(root: string, answers: Answers): Promise<string[]> {
  const { folder, secretFiles, admin } = answers;
  const file = join(folder, '.env');
  if (existsSync(file)) throw new Error(`${file} exists. Edit it, or remove it first.`);
  const url = new URL(answers.url);
  if (url.protocol !== 'https:')
    throw new Error(`The URL must begin with https://, and ${answers.url} does not.`);
  if (admin.trim() === '') throw new Error('The user name of the administrator is empty.');
  const made: string[] = [];
  const tls = await provideCertificate(folder, answers.tlsDir, url.hostname, made);
  const owner = password();
  const app = password();
  const orthanc = password();
  const hapi = password();
  const superuser = password();
  const masterKey = randomBytes(32).toString('base64');
  const secrets = secretFiles
    ? {
        POSTGRES_PASSWORD: '',
        OWNER_PASSWORD: '',
        APP_PASSWORD: '',
        HAPI_PASSWORD: '',
        SECRETS_DIR: await writeSecretFiles(join(folder, 'secrets'), made, {
          postgres_password: superuser,
          owner_password: owner,
          app_password: app,
          'spring.datasource.password': hapi,
          database_url: `postgres://radgate_app:${app}@postgres/radgate`,
          database_owner_url: `postgres://radgate_owner:${owner}@postgres/radgate`,
          orthanc_password: orthanc,
          master_key: masterKey,
        }),
        COMPOSE_FILE: 'docker-compose.yml:docker-compose.secrets.yml',
      }
    : {
        POSTGRES_PASSWORD: superuser,
        OWNER_PASSWORD: owner,
        APP_PASSWORD: app,
        HAPI_PASSWORD: hapi,
        ORTHANC_PASSWORD: orthanc,
        MASTER_KEY: masterKey,
      };
  const values: Record<string, string> = {
    PUBLIC_URL: url.origin,
    ORTHANC_USERNAME: 'gateway',
    ADMIN_USERNAME: admin,
    METRICS_TOKEN: password(),
    TLS_DIR: tls,
    ...(url.port !== '' && { WEB_PORT: url.port }),
    ...secrets,
  };
  await writeFile(file, fill(await readFile(join(root, '.env.example'), 'utf8'), values), {
    mode: 0o600,
    flag: 'wx',
  });
  return [file, ...made];
}

/** The lines of .env.example for docker compose, with these values. Settings of a gateway without docker compose are left out. */
function fill(example: string, values: Record<string, string>): string {
  const compose = example.slice(0, example.indexOf('# 3. '));
  const open = new Set(Object.keys(values));
  const text = compose.replace(/^#?([A-Z_]+)=.*$/gm, (line, name: string) => {
    const value = values[name];
    if (value === undefined) return line;
    open.delete(name);
    return `${name}=${value}`;
  });
  if (open.size > 0) throw new Error(`.env.example has no line for ${[...open].join(', ')}`);
  return `${text.trimEnd()}\n`;
}

async function writeSecretFiles(
  folder: string,
  made: string[],
  secrets: Record<string, string>,
): Promise<string> {
  await mkdir(folder, { mode: 0o700 });
  for (const [name, value] of Object.entries(secrets)) {
    const file = join(folder, name);
    await writeFile(file, value, { flag: 'wx' });
    // The containers run as different users. The folder keeps other users of the host away.
    await chmod(file, 0o444);
  }
  made.push(folder);
  return folder;
}

/** The folder of the certificate. It makes a self-signed one, valid for 397 days, when `folder` is "self-signed". */
async function provideCertificate(
  base: string,
  folder: string,
  host: string,
  made: string[],
): Promise<string> {
  if (folder !== 'self-signed') {
    const path = isAbsolute(folder) ? folder : resolve(base, folder);
    for (const name of ['tls.crt', 'tls.key'])
      if (!existsSync(join(path, name))) throw new Error(`${join(path, name)} does not exist.`);
    return path;
  }
  const path = join(base, 'tls');
  await mkdir(path, { recursive: true });
  await chmod(path, 0o755);
  const [certificate, key] = [join(path, 'tls.crt'), join(path, 'tls.key')];
  const names = /^[\d.]+$|^\[/.test(host) ? `IP:${host.replace(/[[\]]/g, '')}` : `DNS:${host}`;
  const subject = ['-subj', `/CN=${host}`, '-addext', `subjectAltName=${names}`];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key];
  await execute('openssl', ['req', '-x509', '-days', '397', '-out', certificate, ...kind, ...subject]);
  const root = process.getuid?.() === 0;
  if (root) await chown(key, nginxUser, nginxUser);
  // Only root can give the key to nginx's user. Otherwise the folder of a trial must let every user read it.
  await chmod(key, root ? 0o400 : 0o444);
  await chmod(certificate, 0o444);
  made.push(path);
  return path;
}

async function ask(given: Partial<Answers>): Promise<{ url: string; tlsDir: string; admin: string }> {
  const { url, tlsDir, admin } = given;
  if (url !== undefined && tlsDir !== undefined && admin !== undefined) return { url, tlsDir, admin };
  const terminal = createInterface({ input: process.stdin });
  const lines = terminal[Symbol.asyncIterator]();
  // An empty answer, or the end of the input, means the preset.
  const question = async (text: string, preset: string) => {
    process.stdout.write(`${text} [${preset}]: `);
    const { value, done } = await lines.next();
    return (done === true ? '' : value.trim()) || preset;
  };
  try {
    return {
      url: url ?? (await question('URL that people use', 'https://localhost')),
      tlsDir: tlsDir ?? (await question('Folder with tls.crt and tls.key', 'self-signed')),
      admin: admin ?? (await question('User name of the first administrator', 'admin')),
    };
  } finally {
    terminal.close();
  }
}

async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    options: { url: text, 'tls-dir': text, admin: text, folder: text, 'secret-files': flag, help: flag },
  });
  if (values.help) return void process.stdout.write(HELP);
  const root = join(import.meta.dirname, '../..');
  const folder = resolve(values.folder ?? root);
  const answers = await ask({
    ...(values.url !== undefined && { url: values.url }),
    ...(values['tls-dir'] !== undefined && { tlsDir: values['tls-dir'] }),
    ...(values.admin !== undefined && { admin: values.admin }),
  });
  const files = await writeSettings(root, { ...answers, folder, secretFiles: values['secret-files'] });
  console.log(`Written: ${files.join(', ')}\nNext: docker compose up -d --build --wait`);
}

/** Runs `npm run init`. Prints an error and sets the exit status 1 if nothing was written. */
export async function runInit(): Promise<void> {
  try {
    await main();
  } catch (error) {
    console.error(`Nothing was changed. ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
