/** Who waits for an outcome: Nest, in one way or another. */
export interface Caller {
  /** The request needs nothing more. */
  answered(): void;
  /** Nothing was sent: the error is for the exception filters. */
  failed(error: unknown): void;
}

/** What Nest is told of a request, once: before it asks, or when it has waited for it. */
export class Outcome {
  /** Whether it is not known yet. */
  pending = true;
  private refusal: { error: unknown } | undefined;
  private caller: Caller | undefined;

  /** Whether somebody waits for it. Nobody does while Nest is busy with pipes. */
  get awaited(): boolean {
    return this.caller !== undefined;
  }

  /** Has `caller` told. One that came before is not: Nest has got beyond it. */
  tell(caller: Caller): void {
    if (this.pending) this.caller = caller;
    else if (this.refusal) caller.failed(this.refusal.error);
    else caller.answered();
  }

  /**
   * Resolves to true as soon as `admitted` is true, or the outcome is known, whichever comes first. Rejects with the error of
   * a request that is refused.
   */
  admission(admitted: Promise<boolean>): Promise<boolean> {
    return new Promise((resolve, failed) => {
      const answered = (): void => resolve(true);
      this.tell({ answered, failed });
      void admitted.then((admits) => {
        if (!admits || !this.pending) return;
        this.forget();
        answered();
      });
    });
  }

  /** Lets Nest go on: it asks again when it has come to the handler. */
  forget(): void {
    this.caller = undefined;
  }

  /** Nothing if it is known, and a promise of nothing otherwise. */
  wait(): Promise<void> | undefined {
    this.check();
    if (!this.pending) return undefined;
    return new Promise((answered, failed) => (this.caller = { answered, failed }));
  }

  /** @throws {unknown} the error, if there is one. */
  check(): void {
    if (this.refusal) throw this.refusal.error;
  }

  answered(): void {
    this.settle(undefined)?.answered();
  }

  failed(error: unknown): void {
    this.settle({ error })?.failed(error);
  }

  private settle(refusal: { error: unknown } | undefined): Caller | undefined {
    if (!this.pending) return undefined;
    this.pending = false;
    this.refusal = refusal;
    const { caller } = this;
    this.caller = undefined;
    return caller;
  }
}

/** What Nest is told of every request whose head is out: one for all, so that no stream holds one of its own. */
export const ANSWERED = new Outcome();
ANSWERED.answered();
