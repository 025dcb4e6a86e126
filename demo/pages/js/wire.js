import { make } from './dom.js';

/** Number of pieces that the panel keeps. */
const KEPT = 120;
const LONGEST_LINE = 400;

/** The panel that shows requests, responses and the bytes of a stream as they arrive. */
export class Wire {
  #waiting = [];

  constructor(panel) {
    this.panel = panel;
  }

  clear() {
    this.#waiting = [];
    this.panel.replaceChildren();
  }

  request(method, url, lastEventId) {
    const path = url.replace(location.origin, '');
    const place = lastEventId ? `\nLast-Event-ID: ${lastEventId}` : '';
    this.#add(make('span', 'request', `${method} ${path}${place}\n`));
  }

  response({ status, headers }) {
    this.#add(make('span', 'response', `${status} ${headers.get('Content-Type') ?? ''}\n\n`));
  }

  bytes(text) {
    this.#add(
      text.replaceAll(
        /[^\n]{400,}/g,
        (line) => `${line.slice(0, LONGEST_LINE)} … (${line.length} characters)`,
      ),
    );
  }

  /** Draws at most once per frame, so that a fast stream does not block the page. */
  #add(piece) {
    if (this.#waiting.push(piece) > 1) return;
    requestAnimationFrame(() => {
      const { panel } = this;
      const atEnd = panel.scrollHeight - panel.scrollTop - panel.clientHeight < 40;
      panel.append(...this.#waiting.splice(0).slice(-KEPT));
      while (panel.childNodes.length > KEPT) panel.firstChild.remove();
      if (atEnd) panel.scrollTop = panel.scrollHeight;
    });
  }
}

/** A `fetch` for `connect()` that shows what it sends and receives. It does not read ahead. */
export function recordingFetch(wire) {
  return async (url, init) => {
    wire.request(init.method, url, new Headers(init.headers).get('Last-Event-ID'));
    const response = await fetch(url, init);
    wire.response(response);
    if (!response.body) return response;
    const decoder = new TextDecoder();
    const show = new TransformStream({
      transform(chunk, controller) {
        wire.bytes(decoder.decode(chunk, { stream: true }));
        controller.enqueue(chunk);
      },
    });
    return new Response(response.body.pipeThrough(show), response);
  };
}
