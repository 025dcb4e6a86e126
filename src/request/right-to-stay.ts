import { ForbiddenException, ServiceUnavailableException, UnauthorizedException } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { EmptyError, isObservable, type Observable } from 'rxjs';
import { expectAnswer } from '../time/answer-timer.js';
import type { Clock } from '../time/clock.js';
import type { Timekeeper } from '../time/timekeeper.js';
import { immediate } from '../errors/guard.js';
import { quoted } from '../errors/sse.errors.js';
import { GuardedSubscriber } from '../source/guarded-subscriber.js';
import { withSentResponse } from '../nest/sent-response.js';

/** The checks of the right to a stream that is open, and the callbacks for a right that has ended. */
export interface RightToStayInit {
  context: ExecutionContext;
  clock: Clock;
  expiresAt: ((context: ExecutionContext) => Date | number | undefined) | undefined;
  revalidateMs: number | false;
  /** The guards of the route. */
  guards: () => CanActivate[];
  /** The right has expired. The client may reconnect with another one. */
  expired(error: UnauthorizedException): void;
  /** A guard rejects the stream. */
  refused(error: unknown): void;
  /** The Observable of a guard has a teardown function that throws. */
  teardownFailed(error: unknown): void;
}

/** Ends a stream when the right to it expires (`expiresAt`), or when its guards reject it (`revalidateMs`). */
export class RightToStay {
  private endsAt: number | undefined;
  /** Set while the guards are asked. */
  private stopWaiting: (() => void) | undefined;

  constructor(private readonly init: RightToStayInit) {}

  /**
   * Calls `expiresAt` before anything is made for the stream.
   *
   * @throws {UnauthorizedException} if the right has already expired
   * @throws {TypeError} for a value that is not a time
   */
  begin(): void {
    const { clock, context, expiresAt } = this.init;
    const end = immediate(expiresAt?.(context), 'expiresAt');
    if (end === undefined || end === null) return;
    this.endsAt = Number(end);
    if (Number.isNaN(this.endsAt)) {
      throw new TypeError(
        `expiresAt() gave ${quoted(end)}: it is a Date, milliseconds since 1970, or undefined.`,
      );
    }
    if (this.endsAt <= clock.wallNow()) throw expiry();
  }

  /** Called when the head is sent. */
  watch(timekeeper: Timekeeper): void {
    const { revalidateMs, expired } = this.init;
    if (this.endsAt !== undefined && this.endsAt < Infinity) {
      timekeeper.at(this.endsAt, () => expired(expiry()));
    }
    if (revalidateMs !== false) timekeeper.every(revalidateMs, () => void this.ask(revalidateMs));
  }

  stop(): void {
    this.stopWaiting?.();
  }

  private async ask(withinMs: number): Promise<void> {
    const { clock, guards, context, refused } = this.init;
    if (this.stopWaiting) return;
    // Without an answer the stream ends. The client may reconnect, and passes the guards again.
    this.stopWaiting = expectAnswer(clock, withinMs, () =>
      refused(new ServiceUnavailableException('The right to this stream cannot be checked.')),
    );
    try {
      await this.pass(guards(), withSentResponse(context));
    } catch (error) {
      refused(error);
    }
    this.stopWaiting();
    this.stopWaiting = undefined;
  }

  private async pass(guards: CanActivate[], context: ExecutionContext): Promise<void> {
    for (const guard of guards) {
      const answer = await guard.canActivate(context);
      const passes = isObservable(answer) ? await this.lastOf(answer) : answer;
      // The words of Nest, where a guard has none of its own.
      if (!passes) throw new ForbiddenException('Forbidden resource');
    }
  }

  /** Like `lastValueFrom()` of rxjs, but a teardown function that throws does not end the process. */
  private lastOf(answer: Observable<unknown>): Promise<unknown> {
    return new Promise((resolve, error) => {
      let last: { value: unknown } | undefined;
      const next = (value: unknown): void => void (last = { value });
      const complete = (): void => (last ? resolve(last.value) : error(new EmptyError()));
      const sink = { next, error, complete };
      const errors = { onTeardownError: (failure: unknown) => this.init.teardownFailed(failure) };
      answer.subscribe(new GuardedSubscriber(sink, errors));
    });
  }
}

function expiry(): UnauthorizedException {
  return new UnauthorizedException('The right to this stream has expired.');
}
