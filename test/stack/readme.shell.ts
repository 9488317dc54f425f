import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** The lines of the `sh` blocks of a section of a Markdown text, without blank ones. Throws when there is no such section. */
export function shellLines(markdown: string, heading: string): string[] {
  const section = markdown.split(/^## /m).find((text) => text.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`README.md has no section "${heading}"`);
  return [...section.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, block = '']) =>
    block.split('\n').filter((line) => line.trim() !== ''),
  );
}

/** One bash in which lines are pasted one after the other; a failure anywhere in a pipe is the line's. */
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

  /** Pastes a line; its status and all that it and its programs said. */
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

  /** Ends bash and what still runs in it. */
  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.pid === undefined) return;
    const exited = once(this.child, 'exit');
    process.kill(-this.child.pid, 'SIGKILL');
    await exited;
  }
}
