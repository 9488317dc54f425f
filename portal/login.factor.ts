import { beginFactor, type FactorProof, proveFactor, type ProvedFactor } from './factor.client.ts';
import { hasPasskeys, makePasskey, usePasskey } from './passkeys.ts';
import { qrCodeOf } from './qr.code.ts';
import { word } from './login.words.ts';
import type { FactorRequest } from './session.client.ts';

/** Returns an element of the page. Throws if the page does not have it. */
export function part<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${id}`);
  return found;
}

const panel = part('factor', HTMLFormElement);
const title = part('factor-title', HTMLHeadingElement);
const help = part('factor-help', HTMLParagraphElement);
const secret = part('factor-secret', HTMLElement);
const picture = part('factor-picture', HTMLElement);
const key = part('factor-key', HTMLElement);
const codeField = part('code-field', HTMLElement);
const label = part('code-label', HTMLLabelElement);
const code = part('code', HTMLInputElement);
const submit = part('factor-submit', HTMLButtonElement);
const passkey = part('use-passkey', HTMLButtonElement);
const app = part('use-app', HTMLButtonElement);
const recovery = part('use-recovery', HTMLButtonElement);
const again = part('factor-again', HTMLButtonElement);
const codesPanel = part('recovery', HTMLElement);
const codesList = part('recovery-codes', HTMLElement);

type Kind = 'code' | 'recovery_code' | 'choice';

/** What the page does with the result. `begin` shows this panel. */
interface Around {
  readonly say: (text: string, tone?: 'notice') => void;
  readonly tell: (result: Exclude<ProvedFactor, { outcome: 'signed-in' }>) => void;
  readonly show: (shown: HTMLElement) => void;
  readonly arrive: () => void;
}

let request: FactorRequest | undefined;
let kind: Kind = 'code';
let around: Around | undefined;
let isBusy = false;

/** Asks for the second factor of a sign-in, or adds the first one. */
export function askForFactor(asked: FactorRequest, page: Around): void {
  [request, around] = [asked, page];
  const offers = (method: string) => asked.methods.includes(method);
  secret.hidden = true;
  passkey.hidden = !offers('passkey') || !hasPasskeys();
  if (asked.enrols) {
    title.textContent = word('addFactor');
    help.textContent = word('addFactorHelp');
    passkey.textContent = word('addPasskey');
    app.hidden = !offers('totp');
    recovery.hidden = true;
    ask('choice');
  } else {
    title.textContent = word('factor');
    passkey.textContent = word('usePasskey');
    app.hidden = true;
    recovery.hidden = !offers('recovery_code');
    help.textContent = '';
    ask(offers('totp') ? 'code' : 'choice');
  }
  page.show(panel);
  if (kind === 'choice') (passkey.hidden ? app : passkey).focus();
  else code.focus();
}

/** Changes what the field asks for. */
function ask(next: Kind): void {
  kind = next;
  codeField.hidden = next === 'choice';
  submit.hidden = next === 'choice';
  code.value = '';
  code.removeAttribute('aria-invalid');
  const isRecovery = next === 'recovery_code';
  label.textContent = word(isRecovery ? 'recoveryCode' : 'code');
  code.inputMode = isRecovery ? 'text' : 'numeric';
  code.autocomplete = isRecovery ? 'off' : 'one-time-code';
}

/** Runs one request at a time. A second click does nothing. */
async function once(work: (asked: FactorRequest, page: Around) => Promise<void>): Promise<void> {
  if (isBusy || request === undefined || around === undefined) return;
  isBusy = true;
  around.say('');
  for (const button of [submit, passkey, app]) button.setAttribute('aria-disabled', 'true');
  try {
    await work(request, around);
  } finally {
    isBusy = false;
    for (const button of [submit, passkey, app]) button.removeAttribute('aria-disabled');
  }
}

async function send(asked: FactorRequest, page: Around, proof: FactorProof): Promise<void> {
  const result = await proveFactor(asked, proof);
  if (result.outcome === 'signed-in') {
    if (result.codes.length === 0) page.arrive();
    else showCodes(result.codes, page);
    return;
  }
  if (result.outcome !== 'wrong') {
    page.tell(result);
    return;
  }
  if (kind === 'choice') {
    page.say(word('passkeyRefused'));
    return;
  }
  code.setAttribute('aria-invalid', 'true');
  code.select();
  page.say(word(kind === 'recovery_code' ? 'recoveryWrong' : 'codeWrong'));
}

function showCodes(codes: readonly string[], page: Around): void {
  codesList.replaceChildren(
    ...codes.map((each) => {
      const item = document.createElement('li');
      item.textContent = each;
      return item;
    }),
  );
  page.show(codesPanel);
  part('recovery-done', HTMLButtonElement).focus();
}

/** Shows the QR code and the secret of a new authenticator app. */
async function showSecret(uri: string, text: string): Promise<void> {
  const { size, path } = await qrCodeOf(uri);
  const space = 'http://www.w3.org/2000/svg';
  const [svg, dark] = [document.createElementNS(space, 'svg'), document.createElementNS(space, 'path')];
  svg.setAttribute('viewBox', `0 0 ${size} ${size}`);
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', word('picture'));
  dark.setAttribute('d', path);
  svg.append(dark);
  picture.replaceChildren(svg);
  key.textContent = text.replace(/(.{4})(?=.)/g, '$1 ');
  secret.hidden = false;
  app.hidden = true;
  passkey.hidden = true;
  help.textContent = word('scan');
  ask('code');
  code.focus();
}

panel.addEventListener('submit', (event) => {
  event.preventDefault();
  void once(async (asked, page) => {
    const typed = code.value.trim();
    if (typed !== '')
      return send(asked, page, kind === 'recovery_code' ? { recovery_code: typed } : { code: typed });
    code.setAttribute('aria-invalid', 'true');
    page.say(word('enterCode'));
    code.focus();
  });
});
passkey.addEventListener('click', () => {
  void once(async (asked, page) => {
    if (!asked.enrols) {
      const answer = await usePasskey(asked.passkey);
      if (answer === undefined) page.say(word('passkeyUnused'));
      else await send(asked, page, { passkey: answer });
      return;
    }
    const offer = await beginFactor(asked, 'passkey');
    if ('outcome' in offer) return offer.outcome === 'signed-in' ? undefined : page.tell(offer);
    const registration = await makePasskey(offer.passkey);
    if (registration === undefined) page.say(word('passkeyUnmade'));
    else await send(asked, page, { registration });
  });
});
app.addEventListener('click', () => {
  void once(async (asked, page) => {
    const offer = await beginFactor(asked, 'totp');
    if ('outcome' in offer) return offer.outcome === 'signed-in' ? undefined : page.tell(offer);
    await showSecret(offer.uri, offer.secret);
  });
});
recovery.addEventListener('click', () => {
  ask(kind === 'recovery_code' && request?.methods.includes('totp') === true ? 'code' : 'recovery_code');
  recovery.textContent = word(kind === 'recovery_code' ? 'useCode' : 'useRecovery');
  recovery.hidden = kind === 'recovery_code' && request?.methods.includes('totp') !== true;
  code.focus();
});
again.addEventListener('click', () => location.reload());
part('recovery-copy', HTMLButtonElement).addEventListener('click', () => {
  const lines = Array.from(codesList.children, ({ textContent }) => textContent).join('\n');
  void navigator.clipboard.writeText(lines).then(() => around?.say(word('copied'), 'notice'));
});
part('recovery-done', HTMLButtonElement).addEventListener('click', () => around?.arrive());
