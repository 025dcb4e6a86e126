import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';

/** The sessions of this process. Keep them in your session store instead. */
@Injectable()
export class Sessions {
  private readonly users = new Map<string, string>();

  /** Returns the value of the cookie. */
  open(user: string): string {
    const session = randomUUID();
    this.users.set(session, user);
    return session;
  }

  userOf(session: string): string | undefined {
    return this.users.get(session);
  }

  close(session: string): void {
    this.users.delete(session);
  }
}
