import { Injectable, UnauthorizedException, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Sessions } from './sessions.js';

export interface UserRequest {
  headers: { cookie?: string };
  session: string;
  user: string;
}

/** Reads the cookie `session`, and sets the session and the user of the request. */
@Injectable()
export class SessionGuard implements CanActivate {
  constructor(private readonly sessions: Sessions) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<UserRequest>();
    const session = /(?:^|; ?)session=([^;]+)/.exec(request.headers.cookie ?? '')?.[1] ?? '';
    const user = this.sessions.userOf(session);
    if (user === undefined) throw new UnauthorizedException('Log in first.');
    Object.assign(request, { session, user });
    return true;
  }
}
