import { connect } from 'nestjs-event-stream/client';
import { part, setEnabled } from './dom.js';
import { admit } from './open-streams.js';
import { Wire, recordingFetch } from './wire.js';

/** One section of the page: its status line, its stop button, its wire panel, and the streams that it reads. */
export class Pane {
  #reading = new AbortController();
  #streams = 0;

  constructor(name) {
    this.section = part(name);
    this.statusLine = this.section.querySelector('[data-status]');
    this.stopButton = this.section.querySelector('[data-stop]');
    this.wire = new Wire(this.section.querySelector('[data-wire]'));
    this.stopButton?.addEventListener('click', () => this.stop());
  }

  /** Runs an action when a button is pressed or a form is submitted. An error becomes the status. */
  on(name, action, type = 'click') {
    part(name).addEventListener(type, async (event) => {
      event.preventDefault();
      try {
        await action(event);
      } catch (error) {
        this.status('failed', error.message);
      }
    });
  }

  /** Shows the state: idle, waiting, open, ended or failed. */
  status(state, text) {
    this.statusLine.dataset.state = state;
    if (this.statusLine.textContent !== text) this.statusLine.textContent = text;
  }

  /** Ends the streams of this pane. */
  stop(text = 'Stopped') {
    if (this.#streams === 0) return;
    this.#reading.abort();
    this.status('idle', text);
  }

  /** Ends the streams of this pane, and clears its wire panel for the next ones. */
  restart() {
    this.#reading.abort();
    this.#reading = new AbortController();
    this.wire.clear();
  }

  /**
   * Reads a stream with the client of the library until it ends, and resolves with `true` if the server ended it.
   * `isMain` streams set the status of the pane, and their bytes are shown on the wire. If `ended` is undefined, the caller sets the
   * last status.
   */
  async read(url, onEvent, { isMain = true, reading = 'Reading', ended, ...options } = {}) {
    const { signal } = this.#reading;
    const release = admit(this);
    this.#opened(1);
    const status = (state, text) => isMain && !signal.aborted && this.status(state, text);
    try {
      const stream = connect(new URL(url, location.origin).href, {
        signal,
        retry: { initialMs: 1000 },
        ...options,
        ...(isMain && { fetch: recordingFetch(this.wire) }),
        onState: (state) => {
          if (state === 'open') status('open', reading);
          if (state === 'waiting') status('waiting', 'Connection lost, reconnecting');
          options.onState?.(state);
        },
      });
      status('waiting', 'Connecting');
      for await (const event of stream) onEvent(event);
      if (ended !== undefined) status('ended', ended);
      return true;
    } catch (error) {
      if (!signal.aborted) status('failed', messageOf(error));
      return false;
    } finally {
      release();
      this.#opened(-1);
    }
  }

  #opened(change) {
    this.#streams += change;
    if (this.stopButton) setEnabled(this.stopButton, this.#streams > 0);
  }
}

/** The message of the server, if it answered with an error. */
function messageOf({ message, context }) {
  if (context?.status === undefined) return message;
  try {
    return `The server answered ${context.status}: ${JSON.parse(context.body).message}`;
  } catch {
    return `The server answered ${context.status}`;
  }
}
