import { highlighted } from './highlight.js';
import { request } from './request.js';

/** Milliseconds for which a copy button says that it has copied. */
const COPIED_MS = 1500;

/** Fills the panels beside the streams: the source of each controller when it comes near the screen, and the curl lines. */
export function showSources() {
  const isNarrow = matchMedia('(max-width: 60rem)').matches;
  const near = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        near.unobserve(target);
        void showSource(target, target.dataset.behind);
      }
    },
    { rootMargin: '600px' },
  );
  for (const panel of document.querySelectorAll('[data-behind]')) {
    if (isNarrow) for (const details of panel.querySelectorAll('details')) details.open = false;
    setCurl(panel, panel.querySelector('.curl code').textContent);
    panel.querySelector('[data-copy]').addEventListener('click', copy);
    near.observe(panel);
  }
}

/** Shows the source with this name of the route `/sources/:name`. */
export async function showSource(panel, name) {
  const { path, line, text } = await request('GET', `/sources/${name}`);
  panel.querySelector('[data-path]').textContent = path;
  panel.querySelector('[data-code]').replaceChildren(highlighted(text, line));
}

/** Shows a command line. `{origin}` is the address of this server. */
export function setCurl(panel, text) {
  panel.querySelector('.curl code').textContent = text.replaceAll('{origin}', location.origin);
}

async function copy({ currentTarget: button }) {
  await navigator.clipboard.writeText(button.parentElement.querySelector('code').textContent);
  const [label] = button.children;
  label.textContent = 'Copied';
  setTimeout(() => (label.textContent = 'Copy'), COPIED_MS);
}
