import { askForFactor, part } from './login.factor.ts';
import { nextAddress } from './next.address.ts';
import type { ProvedFactor } from './factor.client.ts';
import { chooseWords, loginLanguage, startWords, word } from './login.words.ts';
import { currentSession, externalLogin, signIn, signOut, type SignIn } from './session.client.ts';
import { type Language, LANGUAGE_CODES, LANGUAGES } from './texts/languages.ts';

const form = part('sign-in', HTMLFormElement);
const username = part('username', HTMLInputElement);
const password = part('password', HTMLInputElement);
const reveal = part('reveal', HTMLButtonElement);
const submit = part('submit', HTMLButtonElement);
const elsewhere = part('elsewhere', HTMLAnchorElement);
const message = part('message', HTMLParagraphElement);
const signedIn = part('signed-in', HTMLElement);
const factor = part('factor', HTMLElement);
const recovery = part('recovery', HTMLElement);
const person = part('person', HTMLElement);
const goOn = part('continue', HTMLAnchorElement);
const leave = part('sign-out', HTMLButtonElement);
const languages = part('languages', HTMLElement);

const next = nextAddress(location.search, location.origin);
let waiting = false;

type Tone = 'trouble' | 'notice';

/**
 * Shows a message in the live region. The region is emptied first, because a screen reader would otherwise not read the same message again.
 */
function say(text: string, tone: Tone = 'trouble'): void {
  message.textContent = '';
  message.dataset['tone'] = tone;
  if (text !== '') requestAnimationFrame(() => (message.textContent = text));
}

function show(panel: HTMLElement): void {
  for (const each of [form, signedIn, factor, recovery]) each.hidden = each !== panel;
  // The language can be chosen only in the first form. The texts of the later steps are not written again in another language.
  languages.hidden = panel !== form;
}

function showForm(): void {
  show(form);
  (username.value === '' ? username : password).focus();
}

/** Returns a time as the language writes it: `2 seconds`. */
function duration(seconds: number): string {
  const [value, unit] = seconds < 90 ? [seconds, 'second'] : [Math.ceil(seconds / 60), 'minute'];
  return new Intl.NumberFormat(loginLanguage(), { style: 'unit', unit, unitDisplay: 'long' }).format(value);
}

function busy(button: HTMLButtonElement, on: boolean): void {
  button.setAttribute('aria-disabled', String(on));
}

function markWrong(wrong: boolean): void {
  for (const field of [username, password]) {
    if (wrong) field.setAttribute('aria-invalid', 'true');
    else field.removeAttribute('aria-invalid');
  }
}

function hold(seconds: number): void {
  waiting = true;
  say(word('tooMany', { time: duration(seconds) }));
  // setTimeout accepts at most 2^31 - 1 ms.
  setTimeout(
    () => {
      waiting = false;
      busy(submit, false);
      say(word('nowAgain'), 'notice');
    },
    Math.min(seconds * 1000, 2_147_483_647),
  );
}

function tell(result: SignIn): void {
  switch (result.outcome) {
    case 'signed-in':
      location.replace(next);
      return;
    case 'factor':
      askForFactor(result.request, { say, tell: tellFactor, show, arrive: () => location.replace(next) });
      return;
    case 'wrong':
      markWrong(true);
      say(word('wrong'));
      password.select();
      return;
    case 'too-many':
      hold(result.seconds);
      return;
    case 'away':
      say(word('awayKept'));
      return;
    case 'refused':
      say(word('refused', { status: String(result.status) }));
  }
}

/** Handles a second factor that did not complete the sign-in, other than a wrong one. */
function tellFactor(result: Exclude<ProvedFactor, { outcome: 'signed-in' }>): void {
  if (result.outcome !== 'ended') {
    tell(result);
    if (result.outcome === 'too-many') showForm();
    return;
  }
  password.value = '';
  showForm();
  say(word('ended'));
}

async function submitForm(): Promise<void> {
  if (waiting || submit.getAttribute('aria-disabled') === 'true') return;
  markWrong(false);
  if (username.value.trim() === '' || password.value === '') {
    const empty = username.value.trim() === '' ? username : password;
    empty.setAttribute('aria-invalid', 'true');
    say(word(empty === username ? 'enterUsername' : 'enterPassword'));
    empty.focus();
    return;
  }
  say('');
  busy(submit, true);
  submit.textContent = word('signingIn');
  const result = await signIn(username.value.trim(), password.value);
  submit.textContent = word('signIn');
  tell(result);
  busy(submit, result.outcome === 'too-many' || result.outcome === 'signed-in');
}

async function endSession(): Promise<void> {
  if (leave.getAttribute('aria-disabled') === 'true') return;
  busy(leave, true);
  const ended = await signOut(document.cookie);
  busy(leave, false);
  if (!ended) {
    say(word('stillIn'));
    return;
  }
  showForm();
  say(word('signedOut'), 'notice');
}

/** Shows the link to the OpenID Connect provider, if one is configured. */
async function offerElsewhere(): Promise<void> {
  const external = await externalLogin();
  if (external === undefined) return;
  elsewhere.textContent = word('elsewhere', { name: external.name });
  elsewhere.href = `${external.url}?${new URLSearchParams({ next }).toString()}`;
  elsewhere.hidden = false;
}

/** Shows a button for each language. */
function offerLanguages(): void {
  const buttons = LANGUAGE_CODES.map((code) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.lang = code;
    button.textContent = LANGUAGES[code];
    button.addEventListener('click', () => void changeLanguage(code));
    return button;
  });
  languages.replaceChildren(...buttons);
  markLanguage();
}

async function changeLanguage(code: Language): Promise<void> {
  say('');
  await chooseWords(code);
  markLanguage();
  void offerElsewhere();
}

/** Marks the button of the current language. */
function markLanguage(): void {
  for (const button of languages.querySelectorAll('button'))
    button.setAttribute('aria-pressed', String(button.lang === loginLanguage()));
}

async function begin(): Promise<void> {
  await startWords();
  offerLanguages();
  const session = await currentSession();
  if (session.state === 'signed-in') {
    person.textContent = session.name;
    part('as', HTMLElement).hidden = session.name === '';
    goOn.href = next;
    show(signedIn);
    goOn.focus();
    return;
  }
  showForm();
  if (new URLSearchParams(location.search).get('failed') === 'external') say(word('externalFailed'));
  void offerElsewhere();
  if (session.state === 'away') say(word('away'));
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  void submitForm();
});
reveal.addEventListener('click', () => {
  const shown = password.type === 'password';
  password.type = shown ? 'text' : 'password';
  reveal.textContent = word(shown ? 'hide' : 'show');
  reveal.setAttribute('aria-label', word(shown ? 'hidePassword' : 'showPassword'));
});
leave.addEventListener('click', () => void endSession());
// The browser's back button can restore the old page. The page is then reloaded, because the session may have changed.
window.addEventListener('pageshow', (event) => {
  if (event.persisted) location.reload();
});
void begin();
