import { Injectable } from '@nestjs/common';

/** Carries the request for a restart from a route to `main.ts`. */
@Injectable()
export class Restart {
  #resolve!: () => void;
  /** Resolves when the application should be closed and created again. */
  readonly requested = new Promise<void>((resolve) => (this.#resolve = resolve));

  request(): void {
    this.#resolve();
  }
}
