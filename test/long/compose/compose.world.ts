import { execFile } from 'node:child_process';
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Agent, request } from 'undici';
import { z } from 'zod';
import { type Engine, startEngine } from '../../../infra/compose/engine.ts';
import { type ComposeFolder, makeComposeFolder, openComposeFolder } from '../../../infra/compose/stack.ts';
import { makeStandIns } from '../../../infra/compose/stand.ins.ts';
import { reserveAnyPort } from '../../../infra/local/port.ts';
import { cacheFolder } from '../../../infra/local/prefix.ts';
import { MixedLoad } from '../mixed.load.ts';
import { tell } from '../resident.memory.ts';

const execute = promisify(execFile);
const root = join(import.meta.dirname, '../../..');
const Login = z.object({ access_token: z.string() });

export interface WebAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

/** A container engine with the images of docker-compose.yml, and a copy of the repository in which the stack runs. */
export class ComposeWorld {
  readonly #agent = new Agent({ connect: { rejectUnauthorized: false }, allowH2: false });

  private constructor(
    readonly engine: Engine,
    readonly directory: string,
    /** The copy of the repository whose stack runs. */
    public project: ComposeFolder,
    readonly ports: { web: number; http: number },
  ) {}

  /** Starts the engine, makes the images, and writes `.env` as `npm run init` does. No container runs yet. */
  static async prepare(): Promise<ComposeWorld> {
    const directory = await mkdtemp(join(tmpdir(), 'radgate-compose-'));
    const cacheDir = cacheFolder();
    const engine = await startEngine({ dir: join(directory, 'engine'), cacheDir, log: tell });
    await timed('images that stand for the published ones', () =>
      makeStandIns(engine, { cacheDir, log: tell }),
    );
    const [web, http] = [await reserveAnyPort(), await reserveAnyPort()];
    const folder = join(directory, 'clone');
    const project = await makeComposeFolder(engine, folder, { webPort: web, httpPort: http });
    return new ComposeWorld(engine, directory, project, { web, http });
  }

  get web(): string {
    return `https://localhost:${this.ports.web}`;
  }

  /** The certificate of nginx, for programs that verify it. */
  get authority(): string {
    return join(this.project.folder, 'tls/tls.crt');
  }

  compose(...args: readonly string[]): Promise<string> {
    return this.project.compose(...args);
  }

  /** Adds lines to `.env`. The last line of a setting counts. */
  async set(settings: Readonly<Record<string, string>>): Promise<void> {
    const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
    await appendFile(join(this.project.folder, '.env'), lines.join(''));
  }

  /** Runs a program in a container; returns its status and everything that it wrote. */
  async inside(service: string, ...command: readonly string[]): Promise<{ status: number; text: string }> {
    const args = ['compose', 'exec', '-T', service, ...command];
    return await execute('docker', args, { cwd: this.project.folder, env: this.engine.env }).then(
      ({ stdout, stderr }) => ({ status: 0, text: stdout + stderr }),
      (error: unknown) => {
        const failed = z
          .looseObject({ code: z.number(), stdout: z.string(), stderr: z.string() })
          .parse(error);
        return { status: failed.code, text: failed.stdout + failed.stderr };
      },
    );
  }

  /**
   * Runs the command of a page in docs/ that begins with `begin`, in the copy of the repository. `replaced` are texts of the page and what
   * stands for them here. Throws an error if the page has no such command.
   */
  async documented(
    page: string,
    begin: string,
    replaced: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const text = await readFile(join(root, 'docs', page), 'utf8');
    const blocks = [...text.matchAll(/^ *```sh\n([^]*?)^ *```/gm)].map(([, block = '']) => block);
    const inline = [...text.matchAll(/`(docker compose [^`]+)`/g)].map(([, command = '']) => command);
    const commands = [...blocks.flatMap((block) => block.split('\n')), ...inline].map((line) => line.trim());
    const command = commands.find((line) => line.startsWith(begin));
    if (command === undefined) throw new Error(`docs/${page} has no command that begins with ${begin}`);
    const adapted = Object.entries(replaced).reduce((line, [from, to]) => line.replaceAll(from, to), command);
    return await this.run('bash', '-c', adapted);
  }

  /** Runs a script of the repository in the copy, with the engine of this world. */
  run(...command: readonly string[]): Promise<string> {
    return this.engine.run(command, { cwd: this.project.folder });
  }

  async administrator(): Promise<{ username: string; password: string }> {
    const { text } = await this.inside('gateway', 'cat', '/data/admin-password');
    return { username: 'admin', password: text.trim() };
  }

  /** A request to nginx. */
  async ask(
    path: string,
    options: {
      method?: 'GET' | 'POST';
      headers?: Record<string, string>;
      body?: string | Buffer;
      base?: string;
    } = {},
  ): Promise<WebAnswer> {
    const { base = this.web, ...rest } = options;
    const answer = await request(`${base}${path}`, { dispatcher: this.#agent, ...rest });
    const body = Buffer.from(await answer.body.arrayBuffer());
    return { status: answer.statusCode, headers: answer.headers, body };
  }

  /** The Authorization header of an account with a password. */
  async signIn(account: { username: string; password: string }): Promise<{ authorization: string }> {
    const headers = { 'content-type': 'application/json' };
    const { status, body } = await this.ask('/api/auth/login', {
      method: 'POST',
      headers,
      body: JSON.stringify(account),
    });
    if (status !== 200) throw new Error(`sign-in answered ${status}: ${body.toString()}`);
    return { authorization: `Bearer ${Login.parse(JSON.parse(body.toString())).access_token}` };
  }

  /** Starts a mixed load through nginx, which must present the certificate of this stack. */
  async load(admin: { username: string; password: string }): Promise<MixedLoad> {
    return await MixedLoad.start(this.web, admin, await readFile(this.authority, 'utf8'));
  }

  /** Runs a query in the database of the gateway and returns its rows as text. */
  async query(sql: string, database = 'radgate'): Promise<string> {
    const { status, text } = await this.inside(
      'postgres',
      'psql',
      '-U',
      'postgres',
      '-d',
      database,
      '-tAc',
      sql,
    );
    if (status !== 0) throw new Error(text);
    return text.trim();
  }

  /** Sends SIGKILL to the main process of a container from outside, as the kernel does when memory is short. */
  async kill(service: string): Promise<void> {
    const found = (await this.project.services()).get(service);
    const pid = await this.engine.run(['docker', 'inspect', '-f', '{{.State.Pid}}', found?.ID ?? service]);
    process.kill(Number(pid.trim()), 'SIGKILL');
  }

  /** Starts the suite of test/viewer in a process of its own against this stack. */
  async runViewerSuite(facts: object): Promise<string> {
    const file = join(this.directory, 'stack.json');
    await writeFile(file, JSON.stringify(facts), { mode: 0o600 });
    const env = {
      ...process.env,
      RADGATE_STACK: file,
      NODE_EXTRA_CA_CERTS: this.authority,
      RADGATE_LONG: '',
    };
    const command = ['vitest', 'run', 'test/viewer/viewer.test.ts'];
    return await execute('npx', command, { cwd: root, env, maxBuffer: 2 ** 26 }).then(({ stdout }) => stdout);
  }

  /** Makes another copy of the repository with the settings and certificate of this one, as an operator on another host does. */
  async moveToAnotherFolder(): Promise<void> {
    const folder = join(this.directory, 'other');
    const { webPort, httpPort } = { webPort: this.ports.web, httpPort: this.ports.http };
    const other = await makeComposeFolder(this.engine, folder, { webPort, httpPort });
    const text = await readFile(join(this.project.folder, '.env'), 'utf8');
    await writeFile(join(folder, '.env'), text.replaceAll(this.project.folder, folder));
    this.project = openComposeFolder(this.engine, other.folder);
  }

  /** Starts the stack from a third copy of the repository whose secrets are in files. */
  async startWithSecretFiles(): Promise<void> {
    const ports = { webPort: this.ports.web, httpPort: this.ports.http };
    const folder = join(this.directory, 'files');
    this.project = await makeComposeFolder(this.engine, folder, { ...ports, secretFiles: true });
    await this.compose('up', '-d', '--build', '--wait');
  }

  /** The contents of all secret files. */
  async secrets(): Promise<string[]> {
    const folder = join(this.project.folder, 'secrets');
    return Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name), 'utf8')));
  }

  async stop(): Promise<void> {
    await this.#agent.destroy();
    await this.compose('down', '--volumes', '--timeout', '5').catch((error: unknown) => tell(String(error)));
    await this.engine.stop();
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** Runs `work` and prints its duration. */
export async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const result = await work();
  tell(`${what}: ${((performance.now() - began) / 1000).toFixed(1)} s`);
  return result;
}
