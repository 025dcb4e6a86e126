import { ForbiddenException, ServiceUnavailableException, UnauthorizedException } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { EmptyError, isObservable, type Observable } from 'rxjs';
import type { Clock } from '../time/clock.js';
import type { Timekeeper } from '../time/timekeeper.js';
import { immediate } from '../errors/guard.js';
import { quoted } from '../errors/sse.errors.js';
import { GuardedSubscriber } from '../source/guarded-subscriber.js';
import { withSentResponse } from '../nest/sent-response.js';

/** Whether a stream that was let in may stay, and who is told when it may not. */
export interface RightToStayInit {
  context: ExecutionContext;
  clock: Clock;
  expiresAt: ((context: ExecutionContext) => Date | number | undefined) | undefined;
  revalidateMs: number | false;
  /** The guards of the route. */
  guards: () => CanActivate[];
  /** The time is up: a 401, after which the client may come back with another right. */
  expired(error: UnauthorizedException): void;
  /** A guard says no. */
  refused(error: unknown): void;
  /** The Observable of a guard has a teardown function that throws. */
  teardownFailed(error: unknown): void;
}

/** Ends a stream when its right ends (`expiresAt`), or its guards no longer let it through (`revalidateMs`). */
export class RightToStay {
  private endsAt: number | undefined;
  private asking = false;

  constructor(private readonly init: RightToStayInit) {}

  /**
   * Asks for the end of the right, before anything is made for the stream.
   *
   * @throws {UnauthorizedException} if it has ended already.
   * @throws {TypeError} for what is no moment.
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

  /** From the head on. */
  watch(timekeeper: Timekeeper): void {
    const { revalidateMs, expired } = this.init;
    if (this.endsAt !== undefined && this.endsAt < Infinity) {
      timekeeper.at(this.endsAt, () => expired(expiry()));
    }
    if (revalidateMs !== false) timekeeper.every(revalidateMs, () => void this.ask());
  }

  private async ask(): Promise<void> {
    const { guards, context, refused } = this.init;
    // Fails towards the safe side; the client may come back, and asks the guards itself.
    if (this.asking)
      return refused(new ServiceUnavailableException('The right to this stream cannot be checked.'));
    this.asking = true;
    try {
      await this.pass(guards(), withSentResponse(context));
    } catch (error) {
      refused(error);
    }
    this.asking = false;
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
      answer.subscribe(new GuardedSubscriber(sink, (failure) => this.init.teardownFailed(failure)));
    });
  }
}

function expiry(): UnauthorizedException {
  return new UnauthorizedException('The right to this stream has expired.');
}
