/** Whether it is known if Redis is there: who comes before the first attempt to connect has come out waits for it. */
export class FirstAttempt {
  over = false;
  private finish: () => void = () => undefined;
  private readonly finished = new Promise<void>((resolve) => (this.finish = resolve));

  /** It has come out, one way or the other. */
  end(): void {
    this.over = true;
    this.finish();
  }

  wait(): Promise<void> {
    return this.finished;
  }
}
