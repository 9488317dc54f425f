import { askForFactor, part } from './login.factor.ts';
import { nextAddress } from './next.address.ts';
import type { ProvedFactor } from './factor.client.ts';
import { currentSession, externalLogin, signIn, signOut, type SignIn } from './session.client.ts';

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
}

function showForm(): void {
  show(form);
  (username.value === '' ? username : password).focus();
}

function duration(seconds: number): string {
  if (seconds < 90) return seconds === 1 ? '1 second' : `${seconds} seconds`;
  const minutes = Math.ceil(seconds / 60);
  return `${minutes} minutes`;
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
  say(`Too many attempts. Try again in ${duration(seconds)}.`);
  // setTimeout accepts at most 2^31 - 1 ms.
  setTimeout(
    () => {
      waiting = false;
      busy(submit, false);
      say('You can try again now.', 'notice');
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
      say('The username or password is wrong.');
      password.select();
      return;
    case 'too-many':
      hold(result.seconds);
      return;
    case 'away':
      say('The server does not answer. Try again shortly; your entries are kept.');
      return;
    case 'refused':
      say(`The server refused the sign-in (${result.status}). Reload the page and try again.`);
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
  say('The time or the attempts for the second factor are used up. Enter your password again.');
}

async function submitForm(): Promise<void> {
  if (waiting || submit.getAttribute('aria-disabled') === 'true') return;
  markWrong(false);
  if (username.value.trim() === '' || password.value === '') {
    const empty = username.value.trim() === '' ? username : password;
    empty.setAttribute('aria-invalid', 'true');
    say(empty === username ? 'Enter your username.' : 'Enter your password.');
    empty.focus();
    return;
  }
  say('');
  busy(submit, true);
  submit.textContent = 'Signing in…';
  const result = await signIn(username.value.trim(), password.value);
  submit.textContent = 'Sign in';
  tell(result);
  busy(submit, result.outcome === 'too-many' || result.outcome === 'signed-in');
}

async function endSession(): Promise<void> {
  if (leave.getAttribute('aria-disabled') === 'true') return;
  busy(leave, true);
  const ended = await signOut(document.cookie);
  busy(leave, false);
  if (!ended) {
    say('The server did not answer, so you are still signed in. Try again, or close the browser.');
    return;
  }
  showForm();
  say('You are signed out.', 'notice');
}

/** Shows the link to the OpenID Connect provider, if one is configured. */
async function offerElsewhere(): Promise<void> {
  const external = await externalLogin();
  if (external === undefined) return;
  elsewhere.textContent = `Sign in with ${external.name}`;
  elsewhere.href = `${external.url}?${new URLSearchParams({ next }).toString()}`;
  elsewhere.hidden = false;
}

async function begin(): Promise<void> {
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
  if (new URLSearchParams(location.search).get('failed') === 'external')
    say('The external sign-in failed. Try again, or use your username and password.');
  void offerElsewhere();
  if (session.state === 'away') say('The server does not answer. Try again shortly.');
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  void submitForm();
});
reveal.addEventListener('click', () => {
  const shown = password.type === 'password';
  password.type = shown ? 'text' : 'password';
  reveal.textContent = shown ? 'Hide' : 'Show';
  reveal.setAttribute('aria-label', `${reveal.textContent} password`);
});
leave.addEventListener('click', () => void endSession());
// The browser's back button can restore the old page. The page is then reloaded, because the session may have changed.
window.addEventListener('pageshow', (event) => {
  if (event.persisted) location.reload();
});
void begin();
