import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { multipartOf } from '../support/stow.body.ts';
import type { RunningStack } from './running.stack.ts';

type Grant = { rights: readonly string[]; scope: Readonly<Record<string, string>> };

/** A person in a separate group. */
export interface StackPerson {
  username: string;
  password: string;
  groupId: string;
}

const Id = z.looseObject({ id: z.string() });
const Token = z.looseObject({ access_token: z.string() });

/** The administrator of the running stack, who creates people and stores studies. */
export class StackAdministrator {
  readonly #gateway: string;
  readonly #authorization: string;

  private constructor(gateway: string, authorization: string) {
    this.#gateway = gateway;
    this.#authorization = authorization;
  }

  static async signIn({ gateway, admin }: RunningStack): Promise<StackAdministrator> {
    const answer = await fetch(`${gateway}/api/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(admin),
    });
    const { access_token: token } = Token.parse(await answer.json());
    return new StackAdministrator(gateway, `Bearer ${token}`);
  }

  async person(...grants: readonly Grant[]): Promise<StackPerson> {
    const username = `viewer-${randomBytes(6).toString('hex')}`;
    const password = randomBytes(16).toString('hex');
    const id = await this.create('/api/users', { username, display_name: username, password });
    const groupId = await this.create('/api/groups', { name: `group of ${username}` });
    await this.send('POST', `/api/groups/${groupId}/members`, JSON.stringify({ user_id: id }));
    for (const grant of grants) await this.grant(groupId, grant);
    return { username, password, groupId };
  }

  /** Returns the id of the grant. */
  grant(groupId: string, grant: Grant): Promise<string> {
    return this.create(`/api/groups/${groupId}/grants`, grant);
  }

  async store(...files: readonly Buffer[]): Promise<void> {
    const { type, body } = multipartOf(files);
    await this.send('POST', '/dicom-web/studies', Uint8Array.from(body), type);
  }

  /** Sends a GET and returns the JSON answer. */
  async get(path: string): Promise<unknown> {
    return await (await this.send('GET', path)).json();
  }

  async remove(path: string): Promise<void> {
    await this.send('DELETE', path);
  }

  private async create(path: string, body: object): Promise<string> {
    return Id.parse(await (await this.send('POST', path, JSON.stringify(body))).json()).id;
  }

  private async send(
    method: string,
    path: string,
    body?: string | Uint8Array<ArrayBuffer>,
    type = 'application/json',
  ): Promise<Response> {
    const answer = await fetch(`${this.#gateway}${path}`, {
      method,
      headers: { authorization: this.#authorization, ...(body !== undefined && { 'content-type': type }) },
      ...(body !== undefined && { body }),
    });
    if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${await answer.text()}`);
    return answer;
  }
}
