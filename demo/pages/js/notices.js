import { make, part } from './dom.js';
import { request } from './request.js';

const KEPT = 5;

/** The form that publishes a message to all tabs. Returns the function that shows a message. */
export function startNotices() {
  const list = part('notice-list');
  const show = (text) => {
    list.append(make('li', '', text));
    if (list.childElementCount > KEPT) list.firstElementChild.remove();
  };
  part('notice-form').addEventListener('submit', async (event) => {
    event.preventDefault();
    await request('POST', '/live/notices', { text: part('notice-text').value }).catch(({ message }) =>
      show(message),
    );
  });
  return show;
}
