/** Waits for an outcome on behalf of Nest. */
export interface Caller {
  /** The request is answered. */
  answered(): void;
  /** Nothing was sent. The error is for the exception filters. */
  failed(error: unknown): void;
}

/** The outcome of a request, which Nest receives once: when it asks, or later if it is not known by then. */
export class Outcome {
  /** True until it is known. */
  pending = true;
  private refusal: { error: unknown } | undefined;
  private caller: Caller | undefined;

  /** True if Nest waits for it. Nest does not while it runs pipes. */
  get awaited(): boolean {
    return this.caller !== undefined;
  }

  /** Reports the outcome to `caller`, now or later. It replaces an earlier caller, which Nest has finished with. */
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

  /** Lets Nest go on. It asks again when it reaches the handler. */
  forget(): void {
    this.caller = undefined;
  }

  /** Returns a promise if the outcome is not known yet. */
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

/** The outcome of every request whose head is sent: one for all, so that no open stream holds its own. */
export const ANSWERED = new Outcome();
ANSWERED.answered();
