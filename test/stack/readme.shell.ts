import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** The non-blank lines of the `sh` blocks in a section of a Markdown text. Throws if the section does not exist. */
export function shellLines(markdown: string, heading: string): string[] {
  const section = markdown.split(/^## /m).find((text) => text.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`README.md has no section "${heading}"`);
  return [...section.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, block = '']) =>
    block.split('\n').filter((line) => line.trim() !== ''),
  );
}

/** One bash process that runs lines in order. If a command of a pipe fails, the line has the status of this command. */
export class Shell {
  private readonly child;
  private said = '';
  private count = 0;

  constructor(folder: string) {
    this.child = spawn('bash', ['--noprofile', '--norc'], { cwd: folder, stdio: 'pipe', detached: true });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream.on('data', (chunk) => (this.said += String(chunk)));
    this.child.stdin.write('exec 2>&1; set -o pipefail\n');
  }

  /** Runs a line. Returns the status and the output of the line. */
  async paste(line: string): Promise<{ status: number; said: string }> {
    const mark = `end of line ${(this.count += 1)}`;
    const end = new RegExp(`\n${mark}: (\\d+)\n$`);
    this.said = '';
    this.child.stdin.write(`${line}\nprintf '\\n${mark}: %d\\n' $?\n`);
    for (;;) {
      const found = end.exec(this.said);
      if (found !== null) return { status: Number(found[1]), said: this.said.slice(0, found.index) };
      if (this.child.exitCode !== null) throw new Error(`bash ended at: ${line}\n${this.said}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Ends bash and the programs that bash has started. */
  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.pid === undefined) return;
    const exited = once(this.child, 'exit');
    process.kill(-this.child.pid, 'SIGKILL');
    await exited;
  }
}
