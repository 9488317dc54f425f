import type { ComposeWorld } from './compose.world.ts';

/** A minimal browser that keeps cookies by host. It trusts every certificate. */
export class ExternalBrowser {
  readonly #world: ComposeWorld;
  readonly #jars = new Map<string, Map<string, string>>();

  constructor(world: ComposeWorld) {
    this.#world = world;
  }

  /** Sends one request. Returns the status, the body and the absolute URL of a redirect. */
  async get(address: string): Promise<{ status: number; text: string; location: string | undefined }> {
    const url = new URL(address);
    const jar = this.#jars.get(url.host) ?? new Map<string, string>();
    this.#jars.set(url.host, jar);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await this.#world.ask(`${url.pathname}${url.search}`, {
      base: url.origin,
      headers: { cookie },
    });
    for (const line of [answer.headers['set-cookie'] ?? []].flat()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      jar.set(name, value);
    }
    const to = [answer.headers['location'] ?? []].flat()[0];
    const location = to === undefined ? undefined : new URL(to, url).href;
    return { status: answer.status, text: answer.body.toString(), location };
  }

  /** Follows redirects until a URL begins with `end`. Returns this URL without requesting it. */
  async follow(address: string, end: string): Promise<string> {
    let at = address;
    for (let hop = 0; hop < 12; hop += 1) {
      if (at.startsWith(end)) return at;
      const { status, text, location } = await this.get(at);
      if (location === undefined) throw new Error(`${at} answered ${status}: ${text.slice(0, 300)}`);
      at = location;
    }
    throw new Error(`no end of redirects at ${at}`);
  }
}
