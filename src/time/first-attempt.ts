/** The first attempt to connect. Calls that arrive before it has settled wait for it, instead of failing at once. */
export class FirstAttempt {
  settled = false;
  private resolve: () => void = () => undefined;
  private readonly promise = new Promise<void>((resolve) => (this.resolve = resolve));

  /** The attempt has succeeded or failed. */
  settle(): void {
    this.settled = true;
    this.resolve();
  }

  wait(): Promise<void> {
    return this.promise;
  }
}
