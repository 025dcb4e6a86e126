import { BadRequestException, Body, Controller, HttpCode, Post, Req, Res, UseGuards } from '@nestjs/common';
import { SseConnections } from 'nestjs-event-stream';
import { SessionGuard, type UserRequest } from './session.guard.js';
import { Sessions } from './sessions.js';

interface AnyResponse {
  header(name: string, value: string): unknown;
}

@Controller()
export class SessionController {
  constructor(
    private readonly sessions: Sessions,
    private readonly connections: SseConnections,
  ) {}

  @Post('login')
  @HttpCode(204)
  login(@Body('user') user: unknown, @Res({ passthrough: true }) response: AnyResponse) {
    // Check a password here.
    if (typeof user !== 'string' || !/^\w{1,64}$/.test(user))
      throw new BadRequestException('Send { "user": "…" }.');
    response.header('Set-Cookie', `session=${this.sessions.open(user)}; Path=/; HttpOnly; SameSite=Lax`);
  }

  /** Ends the session, and its streams. Other devices of the user keep theirs. */
  @Post('logout')
  @HttpCode(204)
  @UseGuards(SessionGuard)
  logout(@Req() { session }: UserRequest) {
    this.sessions.close(session);
    this.connections.closeWhere<UserRequest>(({ request }) => request.session === session);
  }
}
