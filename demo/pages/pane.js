/** Number of events that a log keeps. */
const KEPT = 300;

/** The part of the page for one system: its buttons, its status line, and its log. */
export class Pane {
  constructor(id) {
    this.section = document.getElementById(id);
    this.startButton = this.section.querySelector('[data-start]');
    this.stopButton = this.section.querySelector('[data-stop]');
    this.statusLine = this.section.querySelector('.status');
    this.log = this.section.querySelector('.log');
  }

  /** Sets the actions of the start and the stop button. */
  buttons(start, stop) {
    const guarded = (action) => async () => {
      try {
        await action();
      } catch (error) {
        this.status('failed', error.message);
      }
    };
    this.startButton.addEventListener('click', guarded(start));
    this.stopButton.addEventListener('click', guarded(stop));
  }

  /** Shows the state of the stream: idle, waiting, open, ended, or failed. */
  status(state, text) {
    this.statusLine.dataset.state = state;
    this.statusLine.textContent = text;
    this.stopButton.disabled = state !== 'open' && state !== 'waiting';
  }

  clear() {
    this.log.replaceChildren();
  }

  /** Shows an event as it was received. With a `summary`, the event is folded up behind it. */
  event({ type, id, data }, summary) {
    const head = [span(`type ${type}`, type)];
    if (id) head.push(span('id', `#${id}`));
    if (summary === undefined) return this.#add([...head, data]);
    const folded = document.createElement('details');
    const line = document.createElement('summary');
    line.append(...head, summary);
    folded.append(line, data);
    this.#add([folded]);
  }

  /** Shows a note that is not part of the stream. */
  note(text) {
    this.#add([span('note', text)]);
  }

  #add(parts) {
    const { log } = this;
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    const line = document.createElement('li');
    line.append(...parts);
    log.append(line);
    if (log.childElementCount > KEPT) log.firstElementChild.remove();
    if (atEnd) log.scrollTop = log.scrollHeight;
  }
}

function span(className, text) {
  const element = document.createElement('span');
  element.className = className;
  element.textContent = text;
  return element;
}
