/** Finds an element of the page by its `data-testid`. */
export function part(name) {
  return document.querySelector(`[data-testid="${name}"]`);
}

/** Creates an element with a class and children. */
export function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/** Adds a child to a scrolling list and removes the oldest ones. Stays at the end if the reader is there. */
export function addLine(list, line, max) {
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  list.append(line);
  while (list.childElementCount > max) list.firstElementChild.remove();
  if (atEnd) list.scrollTop = list.scrollHeight;
}

/** A random id, for the name of a reader or of a session. */
export function newId() {
  // randomUUID() exists only on pages of https and of this machine.
  return Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
}

/**
 * Enables or disables a button. A disabled button loses the focus, and a screen reader would begin at the top of the page
 * again. A button that has the focus is therefore only marked as disabled, until the focus moves on.
 */
export function setEnabled(button, isEnabled) {
  const keepsFocus = !isEnabled && document.activeElement === button;
  button.disabled = !isEnabled && !keepsFocus;
  button.setAttribute('aria-disabled', String(keepsFocus));
  if (keepsFocus) button.addEventListener('blur', disableLater);
}

function disableLater({ currentTarget: button }) {
  // The window has lost the focus, and not the button.
  if (document.activeElement === button) return;
  button.removeEventListener('blur', disableLater);
  if (button.ariaDisabled === 'true') setEnabled(button, false);
}

/** Ignores clicks on buttons that are disabled but still have the focus. */
export function ignoreDisabledButtons() {
  const ignore = (event) => {
    if (!event.target.closest('[aria-disabled="true"]')) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  document.addEventListener('click', ignore, { capture: true });
}
