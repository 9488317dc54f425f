// A dialog that is shown until the user closes it with its button or with Escape.
const SIGN_IN = '/login?next=%2Fviewer%2F';
const STYLES = {
  dialog:
    'margin: auto; max-width: 32rem; padding: 1.5rem; border: 1px solid #d9534f; border-radius: 0.5rem; background: #10142e; color: #fff; font: 1rem/1.5 system-ui, sans-serif; pointer-events: auto;',
  title: 'margin: 0 0 0.5rem; font-size: 1.25rem; font-weight: 600;',
  row: 'display: flex; flex-wrap: wrap; gap: 0.75rem; justify-content: flex-end; margin-top: 1.25rem;',
  action:
    'padding: 0.5rem 1rem; border: 1px solid #7bb3ff; border-radius: 0.25rem; background: #10142e; color: #cfe3ff; font: inherit; text-decoration: none; cursor: pointer;',
};

const part = (name, style, ...children) => {
  const made = document.createElement(name);
  made.style.cssText = style;
  made.append(...children);
  return made;
};

let dialog;
const textOf = (id) => dialog.querySelector(`#radgate-${id}`);

const makeDialog = () => {
  const title = part('h2', STYLES.title);
  title.id = 'radgate-title';
  const detail = part('p', 'margin: 0;');
  detail.id = 'radgate-detail';
  const signIn = part('a', STYLES.action, 'Sign in (opens a new tab)');
  signIn.id = 'radgate-sign-in';
  signIn.href = SIGN_IN;
  signIn.target = '_blank';
  signIn.rel = 'noopener';
  const close = part('button', STYLES.action, 'Close');
  close.id = 'radgate-close';
  close.type = 'button';
  dialog = part('dialog', STYLES.dialog, title, detail, part('div', STYLES.row, signIn, close));
  dialog.setAttribute('role', 'alertdialog');
  dialog.setAttribute('aria-labelledby', title.id);
  dialog.setAttribute('aria-describedby', detail.id);
  close.addEventListener('click', () => dialog.close());
  // The viewer listens for its hotkeys on the document. Keys that are pressed in this dialog must not reach the document.
  dialog.addEventListener('keydown', (event) => event.stopPropagation());
  document.body.append(dialog);
};

/**
 * Shows the dialog with a title and a detail. With `signIn`, the dialog also has a link to the sign-in page. A later message replaces the
 * message of an open dialog. When the dialog is closed, the browser restores the focus.
 */
export const say = ({ title, detail, signIn = false }) => {
  if (dialog === undefined) makeDialog();
  textOf('title').textContent = title;
  textOf('detail').textContent = detail;
  textOf('sign-in').style.display = signIn ? '' : 'none';
  if (!dialog.open) dialog.showModal();
  textOf(signIn ? 'sign-in' : 'close').focus();
};

/** Whether the dialog is open. */
export const isOpen = () => dialog?.open === true;
