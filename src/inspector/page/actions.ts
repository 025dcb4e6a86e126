import { button, make } from './dom.js';

const NOTICE_MS = 6000;

/** The buttons that end something: they ask, send the request, and say what happened. */
export class Actions {
  readonly element: HTMLElement;
  private readonly notice = make('p', { class: 'notice', role: 'status' });
  private readonly question = make('p', { id: 'question' });
  private readonly dialog = make('dialog', { 'aria-labelledby': 'question' });
  private readonly yes: HTMLButtonElement;
  private confirmed: (() => void) | undefined;
  private timer = 0;

  constructor(private readonly base: string) {
    this.yes = button('', 'danger', () => {
      this.dialog.close();
      this.confirmed?.();
    });
    const no = button('Cancel', '', () => this.dialog.close());
    this.dialog.append(this.question, make('div', { class: 'buttons' }, no, this.yes));
    this.element = make('div', {}, this.notice, this.dialog);
  }

  closeConnection(node: string, id: string): void {
    void this.send(
      `connections?${new URLSearchParams({ node, id })}`,
      () => 'The connection was closed. Its client may reconnect.',
    );
  }

  closeUser(user: string): void {
    this.ask(`Close all connections of ${user}, on every node?`, 'Close all', () => {
      void this.send(
        `users?${new URLSearchParams({ user })}`,
        () => `The connections of ${user} were closed.`,
      );
    });
  }

  stopRun(id: string): void {
    this.ask(`Stop the run ${id}? Its viewers get the end.`, 'Stop the run', () => {
      void this.send(`runs?${new URLSearchParams({ id })}`, ({ stopped }) =>
        stopped ? `The run ${id} was stopped.` : `The run ${id} had ended before.`,
      );
    });
  }

  /** Shows a sentence for some seconds. Screen readers read it once. */
  say(sentence: string, failed = false): void {
    clearTimeout(this.timer);
    this.notice.textContent = sentence;
    this.notice.classList.toggle('failed', failed);
    this.timer = window.setTimeout(() => (this.notice.textContent = ''), NOTICE_MS);
  }

  private ask(question: string, yes: string, confirmed: () => void): void {
    this.question.textContent = question;
    this.yes.textContent = yes;
    this.confirmed = confirmed;
    this.dialog.showModal();
  }

  private async send(path: string, done: (answer: { stopped?: boolean }) => string): Promise<void> {
    try {
      const response = await fetch(`${this.base}${path}`, { method: 'DELETE' });
      const answer = (await response.json()) as { stopped?: boolean; message?: unknown };
      if (response.ok) this.say(done(answer));
      else
        this.say(
          typeof answer.message === 'string' ? answer.message : `Failed with ${response.status}.`,
          true,
        );
    } catch (error) {
      this.say(`The request failed: ${String(error)}`, true);
    }
  }
}
